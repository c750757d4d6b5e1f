"""Room for the platform and its projects: what they ask for, against what the workers have."""

from collections.abc import Iterator, Mapping

from terp.environment import Environment
from terp.environment.quantities import Requests, amount, gibibytes, thousandths
from terp.openstack.servers import Server, servers
from terp.preflight.finding import Finding, warning
from terp.preflight.mentions import NODES
from terp.preflight.snapshot import Flavor, Snapshot

MEBIBYTE = 1024**2


def check(stack: str, environment: Environment, snapshot: Snapshot, wanted: Requests) -> Iterator[Finding]:
    """A warning where all workers together are too small: the cluster stands, and some pods never run."""
    flavors = {flavor.name: flavor for flavor in snapshot.flavors or ()}
    workers = [each for each in servers(stack, environment) if _takes_pods(each, environment)]
    if not workers or not all(each.flavor in flavors for each in workers):
        return
    room = sum((_room(environment, flavors[each.flavor]) for each in workers), start=Requests())
    yield from _quotas(stack, environment, flavors)
    where, hint = (*NODES, "pools"), "more or larger workers, or fewer components; terp gitops components"
    if wanted.cpu > room.cpu:
        said = f"{wanted.cpu / 1000:.1f} CPU; the workers have {room.cpu / 1000:.1f}"
        yield warning(where, f"the platform requests at least {said} for pods", hint)
    if wanted.memory > room.memory:
        said = f"{gibibytes(wanted.memory)} of memory; the workers have {gibibytes(room.memory)}"
        yield warning(where, f"the platform requests at least {said} for pods", hint)


def _quotas(stack: str, environment: Environment, flavors: Mapping[str, Flavor]) -> Iterator[Finding]:
    """A warning for each project that may use more than all workers have, also those with taints."""
    workers = [each for each in servers(stack, environment) if each.role == "worker"]
    if not environment.platform or not all(each.flavor in flavors for each in workers):
        return
    room = sum((_room(environment, flavors[each.flavor]) for each in workers), start=Requests())
    for name, project in sorted(environment.platform.projects.items()):
        key, hint = ("platform", "projects", name, "quota"), "a smaller quota, or more or larger workers"
        if thousandths(project.quota.cpu) > room.cpu:
            said = f"{project.quota.cpu} CPU; all workers together have {room.cpu / 1000:.1f}"
            yield warning(key, f"{name} may request {said}", hint)
        if amount(project.quota.memory) > room.memory:
            said = f"{project.quota.memory} of memory; all workers together have {gibibytes(room.memory)}"
            yield warning(key, f"{name} may request {said}", hint)


def _takes_pods(server: Server, environment: Environment) -> bool:
    """Pods of the platform tolerate no taints."""
    schedulable = server.role == "control-plane" and environment.nodes.control_plane.schedulable
    return schedulable or (server.role == "worker" and not server.taints)


def _room(environment: Environment, flavor: Flavor) -> Requests:
    """What a node has beside what is reserved (Kubernetes, "Node Allocatable")."""
    kubelet = environment.kubernetes.kubelet
    reserved = (kubelet.reserved_for_kubernetes, kubelet.reserved_for_system)
    eviction = 0 if kubelet.eviction.memory.endswith("%") else amount(kubelet.eviction.memory)
    cpu = flavor.vcpus * 1000 - sum(thousandths(each.cpu) for each in reserved)
    memory = flavor.ram * MEBIBYTE - sum(amount(each.memory) for each in reserved) - eviction
    return Requests(cpu=max(cpu, 0), memory=max(memory, 0))
