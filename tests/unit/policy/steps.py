"""Steps of plans, as tests need them."""

from typing import Any

from terp.environment import Environment, read
from terp.gitops.resource import PLATFORM
from terp.kubernetes.resource import CLUSTER
from terp.openstack.types import INSTANCE, VOLUME
from terp.paths import PROJECT
from terp.policy.plan import Operation, Plan, Step

RULE = "openstack:networking/secGroupRule:SecGroupRule"
FLOATING_IP = "openstack:networking/floatingIp:FloatingIp"
LISTENER = "openstack:loadbalancer/listener:Listener"
NETWORK = "openstack:networking/network:Network"


def environment(**nodes: Any) -> Environment:
    """An environment that is protected."""
    found = read(PROJECT / "tests" / "fixtures" / "valid" / "smallest.yaml")
    return found.model_copy(update={"nodes": found.nodes.model_copy(update=nodes)})


def step(
    kind: str,
    name: str,
    operation: Operation,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    **more: Any,
) -> Step:
    """One step; what stays or is replaced has the same inputs before and after."""
    there, comes = operation != "create", operation != "delete"
    return Step(
        urn=f"urn:pulumi:prod::terp::terp:openstack:Cloud${kind}::{name}",
        operation=operation,
        old=(old if old is not None else {"name": name}) if there else None,
        new=(new if new is not None else old if old is not None else {"name": name}) if comes else None,
        **more,
    )


def server(name: str, operation: Operation, role: str = "worker", **more: Any) -> Step:
    """A server."""
    return step(INSTANCE, name, operation, {"name": name, "metadata": {"terp_role": role}}, **more)


def control_plane(*operations: Operation, **more: Any) -> list[Step]:
    """Servers of the control plane, each with what becomes of it."""
    return [
        server(f"control-plane-{number}", each, "control-plane", **more)
        for number, each in enumerate(operations)
    ]


def pool(*operations: Operation, **more: Any) -> list[Step]:
    """The pool cpu, each node with what becomes of it."""
    return [server(f"cpu-{number}", each, **more) for number, each in enumerate(operations)]


def volume(name: str, operation: Operation, **more: Any) -> Step:
    """A volume."""
    return step(VOLUME, name, operation, {"name": f"prod-{name}", "size": 20}, **more)


def cluster(operation: Operation, before: str = "1.34.3", after: str = "1.34.3") -> Step:
    """The cluster, with its version before and after."""
    return step(
        CLUSTER,
        "prod",
        operation,
        {"name": "prod", "kubernetes_version": before},
        {"name": "prod", "kubernetes_version": after},
    )


def platform(before: list[str], after: list[str]) -> Step:
    """The platform, with its Applications before and after."""
    sides = (
        {
            "values": {
                "applications": {
                    name: {"wave": 0, "spec": {"sources": [{"targetRevision": "1.0.0"}]}} for name in names
                }
            }
        }
        for names in (before, after)
    )
    return step(PLATFORM, "prod", "update", *sides)


def plan(*steps: Step, raised: bool = True) -> Plan:
    """A plan of an environment that was raised before."""
    return Plan(steps=steps, raised=raised)
