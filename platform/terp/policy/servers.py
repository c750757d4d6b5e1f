"""What a plan does to servers: which role they have, which are away for a while, who is in which pool."""

from collections.abc import Mapping

from terp.environment.nodes import BASTION, CONTROL_PLANE, ETCD
from terp.kubernetes.resource import CLUSTER
from terp.openstack.types import INSTANCE
from terp.policy.plan import Plan, Step

ROLE = "terp_role"
"""In the metadata of a server (terp.openstack.marks)."""
RESTARTS = ("flavorName", "flavorId", "powerState")
"""Properties whose change takes a server down for a while: Nova resizes, starts and stops it in place."""


def role_of(step: Step) -> str:
    """The role that a server has, or will have."""
    properties = step.old or step.becomes
    return str((properties.get("metadata") or {}).get(ROLE, ""))


def holds_cluster(step: Step) -> bool:
    """Whether a server is one of the control plane or of etcd."""
    return role_of(step) in (CONTROL_PLANE, ETCD)


def restarts(step: Step) -> bool:
    """Whether a server is taken down, and comes back."""
    return step.operation == "update" and not set(RESTARTS).isdisjoint(step.differ)


def is_away(step: Step) -> bool:
    """Whether a server that is there now is gone, for ever or for a while."""
    return step.goes or restarts(step)


def etcd_members(plan: Plan) -> tuple[Step, ...]:
    """The servers that etcd runs on now."""
    there = [step for step in plan.of(INSTANCE) if step.old is not None and holds_cluster(step)]
    own = tuple(step for step in there if role_of(step) == ETCD)
    return own or tuple(there)


def lost_members(plan: Plan) -> tuple[Step, ...]:
    """Those that etcd would miss without having been told.

    One that is deleted has left before, if the cluster is led: its update comes before deletions.
    """
    led = any(step.operation == "update" for step in plan.of(CLUSTER))
    return tuple(
        step for step in etcd_members(plan) if is_away(step) and not (led and step.operation == "delete")
    )


def pools(plan: Plan) -> Mapping[str, tuple[Step, ...]]:
    """The workers that there are now, by their pools."""
    found: dict[str, tuple[Step, ...]] = {}
    for step in plan.of(INSTANCE):
        if step.old is not None and not holds_cluster(step) and role_of(step) != BASTION:
            pool = step.name.rpartition("-")[0]
            found[pool] = (*found.get(pool, ()), step)
    return found


def names(steps: tuple[Step, ...]) -> str:
    """Their names, for a sentence."""
    return ", ".join(step.name for step in steps)
