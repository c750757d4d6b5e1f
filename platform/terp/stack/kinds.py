"""The kinds of things that a stack has on OpenStack: how each is listed, and how one is removed."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from terp.errors import TerpError

if TYPE_CHECKING:
    from openstack.connection import Connection

PATIENCE = 300.0
"""Seconds that a deletion may take, and that something may be busy before."""
INTERFACE = ("network:router_interface", "network:ha_router_replicated_interface")
"""How the owner of a router's interface begins, distributed or not (neutron-lib: ROUTER_INTERFACE_OWNERS)."""
BUSY = ("creating", "reserved", "attaching", "detaching", "downloading")
"""Status of a volume that something is being done with (Cinder)."""


@dataclass(frozen=True)
class Kind:
    """One kind of thing: how to list it, and how to remove one.

    What is not `marked` belongs to a thing of the state, and needs no mark of its own to be the stack's.
    """

    name: str
    listed: Callable[["Connection"], Iterable[Any]]
    remove: Callable[["Connection", Any], object]
    marked: bool = True


def _until(what: str, done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TerpError(
                f"{what} stays busy, so that it cannot be removed",
                hint="look at it, and run this again",
            )
        time.sleep(1)


def _delete_server(connection: "Connection", server: Any) -> None:  # noqa: ANN401
    connection.compute.delete_server(server)
    connection.compute.wait_for_delete(server, interval=1, wait=int(PATIENCE))


def _delete_volume(connection: "Connection", volume: Any) -> None:  # noqa: ANN401
    settle_volume(connection, volume)
    connection.block_storage.delete_volume(volume)
    connection.block_storage.wait_for_delete(volume, interval=1, wait=int(PATIENCE))


def settle_volume(connection: "Connection", volume: Any) -> Any:  # noqa: ANN401
    """The volume, when nothing is being done with it any more."""
    cinder = connection.block_storage
    _until(f"volume {volume.name}", lambda: cinder.get_volume(volume.id).status not in BUSY)
    return cinder.get_volume(volume.id)


def _delete_snapshot(connection: "Connection", snapshot: Any) -> None:  # noqa: ANN401
    connection.block_storage.delete_snapshot(snapshot)
    connection.block_storage.wait_for_delete(snapshot, interval=1, wait=int(PATIENCE))


def _delete_router(connection: "Connection", router: Any) -> None:  # noqa: ANN401
    for port in connection.network.ports(device_id=router.id):
        if port.device_owner.startswith(INTERFACE):
            remove_interface(connection, port)
    connection.network.delete_router(router)


def remove_interface(connection: "Connection", port: Any) -> None:  # noqa: ANN401
    """Part a network from its router."""
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
SNAPSHOT = Kind("snapshot", lambda cloud: cloud.block_storage.snapshots(), _delete_snapshot)
"""Only clusters make them."""


def balancing(connection: "Connection") -> tuple[Kind, ...]:
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
