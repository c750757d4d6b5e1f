"""What would be lost: volumes, the control plane's servers, networks, the cluster, Applications."""

from collections.abc import Iterator

from terp.environment import Environment
from terp.gitops.resource import PLATFORM, applications_of
from terp.kubernetes.resource import CLUSTER
from terp.openstack.types import INSTANCE, NETWORK, ROUTER, ROUTER_INTERFACE, SUBNET, VOLUME
from terp.policy.finding import Objection
from terp.policy.plan import Plan, Step
from terp.policy.servers import holds_cluster

NETWORKS = {
    NETWORK: "network",
    SUBNET: "subnet",
    ROUTER: "router",
    ROUTER_INTERFACE: "router interface",
}


def volumes(plan: Plan, environment: Environment) -> Iterator[Objection]:
    """Volumes hold what cannot be made again."""
    for step in plan.of(VOLUME):
        if step.goes:
            yield Objection(step.name, f"the volume{sized(step)} {fate(step)}, with all that is on it")


def control_plane(plan: Plan, environment: Environment) -> Iterator[Objection]:
    """Servers of the control plane and of etcd are the cluster."""
    for step in plan.of(INSTANCE):
        if step.goes and holds_cluster(step):
            yield Objection(step.name, f"the server {fate(step)}, with what its root disk holds")


def networks(plan: Plan, environment: Environment) -> Iterator[Objection]:
    """Whatever goes of a network cuts off all servers in it, and takes their addresses."""
    for step in plan.of(*NETWORKS):
        if step.goes:
            yield Objection(step.name, f"the {NETWORKS[step.kind]} {fate(step)}: what is in it is cut off")


def clusters(plan: Plan, environment: Environment) -> Iterator[Objection]:
    """A cluster that is forgotten, or taken for another one, is never led again."""
    for step in plan.of(CLUSTER):
        if step.goes:
            yield Objection(step.name, f"the cluster {fate(step)}, with every namespace in it")


def applications(plan: Plan, environment: Environment) -> Iterator[Objection]:
    """Argo CD prunes all that an Application has made: namespaces, claims, buckets."""
    for step in plan.of(PLATFORM):
        for name in gone_applications(step):
            yield Objection(name, "the Application would go, with all its namespaces, claims and buckets")


def fate(step: Step) -> str:
    """`would be replaced, for its imageId`."""
    if step.operation == "delete":
        return "would be deleted"
    forced = ", ".join(step.forced_by)
    return f"would be replaced{f', for its {forced}' if forced else ''}"


def sized(step: Step) -> str:
    """` (20 GiB)`, where a size is known."""
    size = step.was.get("size")
    return f" ({size:g} GiB)" if isinstance(size, int | float) else ""


def gone_applications(step: Step) -> list[str]:
    """The Applications that a platform would have no more."""
    return sorted(applications_of(dict(step.was)).keys() - applications_of(dict(step.becomes)).keys())
