"""What a run that broke off left on the cloud without Pulumi knowing: an answer was lost, a process killed.

Everything that Terp makes carries the stack's mark from the request on that creates it. What has the mark, is
not in the state, and was made since the broken run began, is a leftover: it is removed, so that the next run
makes no second one. What is older is never touched: a lost state must not cost a platform.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from terp.environment import Environment
from terp.errors import TerpError
from terp.openstack.marks import Marks
from terp.openstack.servers import server_groups
from terp.progress import Task
from terp.stack.pulumi import State, ids_of

if TYPE_CHECKING:
    from openstack.connection import Connection

MARGIN = timedelta(hours=1)
"""By how much the cloud's clock may be behind."""
PATIENCE = 300.0
"""Seconds that a deletion may take, and that something may be busy before."""
UNMARKED = ("Keypair", "ServerGroup", "HealthMonitor")
"""What has no place for a mark, and is known by its name."""
INTERFACE = ("network:router_interface", "network:ha_router_replicated_interface")
"""How the owner of a router's interface begins, distributed or not (neutron-lib: ROUTER_INTERFACE_OWNERS)."""
BUSY = ("creating", "reserved", "attaching", "detaching", "downloading")
"""Status of a volume that something is being done with (Cinder)."""


@dataclass(frozen=True)
class Trace:
    """How the leftovers of a run are known.

    `names` are those of things without a mark, `known` the ids in the state.
    """

    marks: Marks
    names: frozenset[str]
    known: frozenset[str]
    since: datetime

    def leads_to(self, found: Any) -> bool:  # noqa: ANN401
        """Whether a thing is the stack's, and a leftover."""
        return self._marked(found) and self.fresh(found)

    def fresh(self, found: Any) -> bool:  # noqa: ANN401
        """Whether a thing was made since without the state knowing. Nova has no dates for server groups."""
        if str(found.id) in self.known:
            return False
        if type(found).__name__ == "ServerGroup":
            return not found.member_ids
        return bool(found.created_at) and _moment(found.created_at) >= self.since - MARGIN

    def _marked(self, found: Any) -> bool:  # noqa: ANN401
        if type(found).__name__ in UNMARKED:
            return found.name in self.names
        metadata = getattr(found, "metadata", None) or {}
        by_metadata = isinstance(metadata, dict) and metadata.get("terp_stack") == self.marks.stack
        return by_metadata or getattr(found, "description", None) == self.marks.description


@dataclass(frozen=True)
class Kind:
    """One kind of thing: how to list it, and how to remove one.

    What is not `marked` belongs to a thing of the state, and needs no mark of its own to be the stack's.
    """

    name: str
    listed: Callable[["Connection"], Iterable[Any]]
    remove: Callable[["Connection", Any], object]
    marked: bool = True


@dataclass(frozen=True)
class Attachment:
    """A volume at a server; `id` is that of Pulumi's resource."""

    id: str
    name: str
    created_at: str
    server_id: str
    volume_id: str


def trace_of(stack: str, environment: Environment, state: State, since: datetime) -> Trace:
    """How the leftovers are known of a run on a stack that began at `since`."""
    groups = (f"{stack}-{group.name}" for group in server_groups(stack, environment))
    return Trace(
        marks=Marks(stack=stack, owner=environment.owner),
        names=frozenset((stack, f"{stack}-api", *groups)),
        known=ids_of(state),
        since=since,
    )


def remove_leftovers(connection: "Connection", trace: Trace, state: State, task: Task) -> list[str]:
    """Remove the leftovers of a run; returns what they were.

    Raises:
        TerpError: something stays busy and cannot be removed.
    """
    removed = []
    for kind in (*_balancing(connection), *KINDS, *_loose_ends(state)):
        for found in list(kind.listed(connection)):
            if trace.leads_to(found) if kind.marked else trace.fresh(found):
                what = f"{kind.name} {found.name or found.id}"
                task.update(f"removes {what}")
                kind.remove(connection, found)
                removed.append(what)
    return removed


def stillborn(connection: "Connection", state: State) -> list[str]:
    """URNs of what came into being and never worked: Pulumi takes it for made, and would keep it.

    A server that never ran and a volume that was never made hold nothing, and a load balancer never does.
    What something else in the state stands on is not among them.
    """
    resources = state.get("resources") or []
    stood_on = {urn for each in resources for urn in (*each.get("dependencies", ()), each.get("parent"))}
    failed = [each for each in resources if each.get("initErrors") and each["urn"] not in stood_on]
    return [
        each["urn"] for each in failed if each["type"] in BORN and BORN[each["type"]](connection, each["id"])
    ]


def _server_never_ran(connection: "Connection", server_id: str) -> bool:
    server: Any = connection.compute.find_server(server_id)
    return bool(server) and server.status == "ERROR" and not server.launched_at


def _volume_never_made(connection: "Connection", volume_id: str) -> bool:
    volume: Any = connection.block_storage.find_volume(volume_id)
    return bool(volume) and volume.status == "error"


def _balancer_never_made(connection: "Connection", balancer_id: str) -> bool:
    balancer: Any = connection.load_balancer.find_load_balancer(balancer_id)
    return bool(balancer) and balancer.provisioning_status == "ERROR"


BORN: Mapping[str, Callable[["Connection", str], bool]] = {
    "openstack:compute/instance:Instance": _server_never_ran,
    "openstack:blockstorage/volume:Volume": _volume_never_made,
    "openstack:loadbalancer/loadBalancer:LoadBalancer": _balancer_never_made,
}
"""How to see that something never worked."""


def _moment(created: str) -> datetime:
    """Neutron and Nova end with Z; Cinder and Octavia leave it out, and mean UTC too."""
    moment = datetime.fromisoformat(created)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _until(what: str, done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TerpError(
                f"{what} stays busy, so that what is left of a broken run cannot be removed",
                hint="look at it, and run this again",
            )
        time.sleep(1)


def _delete_server(connection: "Connection", server: Any) -> None:  # noqa: ANN401
    connection.compute.delete_server(server)
    connection.compute.wait_for_delete(server, interval=1, wait=int(PATIENCE))


def _delete_volume(connection: "Connection", volume: Any) -> None:  # noqa: ANN401
    _settle_volume(connection, volume)
    connection.block_storage.delete_volume(volume)
    connection.block_storage.wait_for_delete(volume, interval=1, wait=int(PATIENCE))


def _settle_volume(connection: "Connection", volume: Any) -> Any:  # noqa: ANN401
    """The volume, when nothing is being done with it any more."""
    cinder = connection.block_storage
    _until(f"volume {volume.name}", lambda: cinder.get_volume(volume.id).status not in BUSY)
    return cinder.get_volume(volume.id)


def _delete_router(connection: "Connection", router: Any) -> None:  # noqa: ANN401
    for port in connection.network.ports(device_id=router.id):
        if port.device_owner.startswith(INTERFACE):
            _remove_interface(connection, port)
    connection.network.delete_router(router)


def _remove_interface(connection: "Connection", port: Any) -> None:  # noqa: ANN401
    connection.network.remove_interface_from_router(port.device_id, port=port.id)


KINDS = (
    Kind("server", lambda cloud: cloud.compute.servers(), _delete_server),
    Kind("volume", lambda cloud: cloud.block_storage.volumes(), _delete_volume),
    Kind(
        "floating IP", lambda cloud: cloud.network.ips(), lambda cloud, found: cloud.network.delete_ip(found)
    ),
    Kind("port", lambda cloud: cloud.network.ports(), lambda cloud, found: cloud.network.delete_port(found)),
    Kind("router", lambda cloud: cloud.network.routers(), _delete_router),
    Kind(
        "subnet",
        lambda cloud: cloud.network.subnets(),
        lambda cloud, found: cloud.network.delete_subnet(found),
    ),
    Kind(
        "network",
        lambda cloud: cloud.network.networks(),
        lambda cloud, found: cloud.network.delete_network(found),
    ),
    Kind(
        "security group",
        lambda cloud: cloud.network.security_groups(),
        lambda cloud, found: cloud.network.delete_security_group(found),
    ),
    Kind(
        "server group",
        lambda cloud: cloud.compute.server_groups(),
        lambda cloud, found: cloud.compute.delete_server_group(found),
    ),
    Kind(
        "keypair",  # the list has no dates
        lambda cloud: [cloud.compute.get_keypair(each) for each in cloud.compute.keypairs()],
        lambda cloud, found: cloud.compute.delete_keypair(found),
    ),
)
"""In the order in which they let go of each other."""


def _balancing(connection: "Connection") -> tuple[Kind, ...]:
    """Load balancers and their parts, where there is Octavia."""
    if not connection.has_service("load-balancer"):
        return ()
    return (
        Kind("load balancer", lambda cloud: cloud.load_balancer.load_balancers(), _delete_balancer),
        Kind(
            "health monitor",
            lambda cloud: cloud.load_balancer.health_monitors(),
            _of_balancer(lambda octavia, found: octavia.delete_health_monitor(found)),
        ),
        Kind(
            "pool",
            lambda cloud: cloud.load_balancer.pools(),
            _of_balancer(lambda octavia, found: octavia.delete_pool(found)),
        ),
        Kind(
            "listener",
            lambda cloud: cloud.load_balancer.listeners(),
            _of_balancer(lambda octavia, found: octavia.delete_listener(found)),
        ),
    )


def _delete_balancer(connection: "Connection", balancer: Any) -> None:  # noqa: ANN401
    _settle_balancer(connection, balancer.id)
    connection.load_balancer.delete_load_balancer(balancer, cascade=True)
    connection.load_balancer.wait_for_delete(balancer, interval=1, wait=int(PATIENCE))


def _of_balancer(delete: Callable[[Any, Any], object]) -> Callable[["Connection", Any], None]:
    """Deletes a part of a load balancer, which must not be busy before, and is busy after."""

    def remove(connection: "Connection", found: Any) -> None:  # noqa: ANN401
        balancer_id = _balancer_of(connection, found)
        _settle_balancer(connection, balancer_id)
        delete(connection.load_balancer, found)
        _settle_balancer(connection, balancer_id)

    return remove


def _balancer_of(connection: "Connection", part: Any) -> str:  # noqa: ANN401
    if type(part).__name__ == "HealthMonitor":
        part = connection.load_balancer.get_pool(part.pools[0]["id"])
    balancers = getattr(part, "load_balancers", None) or getattr(part, "loadbalancers", None) or []
    return str(balancers[0]["id"])


def _settle_balancer(connection: "Connection", balancer_id: str) -> None:
    octavia = connection.load_balancer
    _until(
        f"load balancer {balancer_id}",
        lambda: not octavia.get_load_balancer(balancer_id).provisioning_status.startswith("PENDING"),
    )


def _loose_ends(state: State) -> tuple[Kind, ...]:
    """What joins things of the state, or lies within them: attachments, interfaces, security-group rules."""

    def attachments(connection: "Connection") -> Iterator[Attachment]:
        volumes = ids_of(state, "openstack:blockstorage/volume:Volume")
        for volume in connection.block_storage.volumes():
            if volume.id in volumes:
                yield from _attachments(_settle_volume(connection, volume))

    def interfaces(connection: "Connection") -> Iterator[Any]:
        networks = ids_of(state, "openstack:networking/network:Network")
        for port in connection.network.ports():
            if port.network_id in networks and port.device_owner.startswith(INTERFACE):
                yield port

    def rules(connection: "Connection") -> Iterator[Any]:
        groups = ids_of(state, "openstack:networking/secGroup:SecGroup")
        for rule in connection.network.security_group_rules():
            if rule.security_group_id in groups:
                yield rule

    return (
        Kind("attachment", attachments, _detach, marked=False),
        Kind("interface", interfaces, _remove_interface, marked=False),
        Kind(
            "security-group rule",
            rules,
            lambda cloud, found: cloud.network.delete_security_group_rule(found),
            marked=False,
        ),
    )


def _attachments(volume: Any) -> Iterator[Attachment]:  # noqa: ANN401
    for each in volume.attachments:
        server_id = each["server_id"]
        yield Attachment(
            id=f"{server_id}/{volume.id}",
            name=volume.name,
            created_at=each["attached_at"] or "",
            server_id=server_id,
            volume_id=volume.id,
        )


def _detach(connection: "Connection", attachment: Attachment) -> None:
    connection.compute.delete_volume_attachment(attachment.server_id, attachment.volume_id)
    volume = connection.block_storage.get_volume(attachment.volume_id)
    connection.block_storage.wait_for_status(volume, "available", interval=1, wait=int(PATIENCE))
