"""Whose something on the cloud is: a pure function of what OpenStack's API says of it.

What Terp makes has its marks (`terp.openstack.marks`). What a cluster makes has the cluster's name, which is
the stack's (cloud-provider-openstack 1.36: pkg/openstack/loadbalancer.go, loadbalancer_sg.go;
pkg/csi/cinder/controllerserver.go). What has place for neither is known by a lifetime in its name alone.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from terp.openstack.marks import stack_of
from terp.stack.kinds import INTERFACE
from terp.stack.lifetime import end_of, ephemeral_stack_of
from terp.stack.reap.model import Thing

CSI_CLUSTER = "cinder.csi.openstack.org/cluster"
KEPT = "terp_kept"
"""In the metadata of a volume that outlives its stack."""
BALANCER = re.compile(r"kube_service_(?P<cluster>[a-z0-9-]+)_[a-z0-9-]+_[a-z0-9-]+")
ADDRESS = re.compile(r"Floating IP for Kubernetes external service \S+ from cluster (?P<cluster>\S+)")
GROUP = re.compile(r"Security Group for \S+ Service LoadBalancer in cluster (?P<cluster>\S+)")
BY_NAME: Mapping[str, Callable[[str], str | None]] = {
    "keypair": lambda name: name if end_of(name) else None,
    "server group": ephemeral_stack_of,
}
"""The stack of what has no place for a mark, by kind."""
LONE = ("volume", "snapshot", "floating IP", "keypair")
"""What stands by itself. To keep anything else is to keep its whole stack."""

Listed = Mapping[str, Iterable[Any]]
"""What the API lists, by kind."""


def _by(pattern: re.Pattern[str], text: str | None) -> str | None:
    found = pattern.fullmatch(text or "")
    return found["cluster"] if found else None


MADE_BY_CLUSTER: Mapping[str, Callable[[Any], str | None]] = {
    "load balancer": lambda each: _by(BALANCER, each.name),
    "floating IP": lambda each: _by(ADDRESS, each.description),
    "security group": lambda each: _by(GROUP, each.description),
    "volume": lambda each: (each.metadata or {}).get(CSI_CLUSTER),
    "snapshot": lambda each: (each.metadata or {}).get(CSI_CLUSTER),
}
"""The cluster that made something, by kind."""


def ours(listed: Listed, project: str, recorded: Collection[str]) -> list[tuple[Thing, Any]]:
    """What belongs to stacks, each with what the API said of it.

    A cluster is a stack's when Terp is known to have made it: by a mark of its stack, by a lifetime in its
    name, or by Pulumi's backend (`recorded`). Others' clusters have balancers and volumes of the same form.
    """
    mine = {kind: [each for each in found if _in(project, each)] for kind, found in listed.items()}
    marked = [thing for kind, found in mine.items() for each in found if (thing := _marked(kind, each))]
    known = {thing.stack for thing, _ in marked} | set(recorded)
    made = [
        (_thing(kind, each, cluster, by_cluster=True), each)
        for kind, found in mine.items()
        if kind in MADE_BY_CLUSTER
        for each in found
        if not stack_of(each) and (cluster := MADE_BY_CLUSTER[kind](each))
        if cluster in known or end_of(cluster)
    ]
    return [*marked, *_interfaces(mine, marked), *made]


def _in(project: str, each: Any) -> bool:  # noqa: ANN401
    """Whether it is the project's; what tells of none (keypairs) was listed for the credential alone."""
    return getattr(each, "project_id", None) in (None, "", project)


def _marked(kind: str, each: Any) -> tuple[Thing, Any] | None:  # noqa: ANN401
    stack = BY_NAME[kind](each.name or "") if kind in BY_NAME else stack_of(each)
    return (_thing(kind, each, stack), each) if stack else None


def _interfaces(mine: Listed, marked: Iterable[tuple[Thing, Any]]) -> list[tuple[Thing, Any]]:
    """By which networks of ours are joined to a router, which may be another's."""
    networks = {thing.id: thing.stack for thing, _ in marked if thing.kind == "network"}
    return [
        (_thing("interface", port, networks[port.network_id]), port)
        for port in mine.get("port", ())
        if port.network_id in networks and (port.device_owner or "").startswith(INTERFACE)
    ]


def _thing(kind: str, each: Any, stack: str, *, by_cluster: bool = False) -> Thing:  # noqa: ANN401
    metadata = getattr(each, "metadata", None) or {}
    return Thing(
        kind=kind,
        id=str(each.id),
        name=each.name or "",
        stack=stack,
        by_cluster=by_cluster,
        kept=KEPT in metadata,
        stands_on=str(each.volume_id) if kind == "snapshot" else "",
    )
