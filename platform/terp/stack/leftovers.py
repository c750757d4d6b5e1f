"""What a run that broke off left on the cloud without Pulumi knowing: an answer was lost, a process killed.

Everything that Terp makes carries the stack's mark from the request on that creates it. What has the mark, is
not in the state, and was made since the broken run began, is a leftover: it is removed, so that the next run
makes no second one. What is older is never touched: a lost state must not cost a platform.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from terp.openstack.marks import Marks
from terp.progress import Task
from terp.stack.pulumi import State

if TYPE_CHECKING:
    from openstack.connection import Connection

MARGIN = timedelta(hours=1)
"""By how much the cloud's clock may be behind."""
PATIENCE = 300
"""Seconds that a deletion may take."""


@dataclass(frozen=True)
class Kind:
    """One kind of thing: how to list those of the project, whose they are, how to remove one."""

    name: str
    listed: Callable[["Connection"], Iterable[Any]]
    remove: Callable[["Connection", Any], object]
    dated: bool = True


def remove_leftovers(
    connection: "Connection", marks: Marks, state: State, since: datetime, task: Task
) -> list[str]:
    """Remove the leftovers of a run that began at `since`; returns what they were."""
    known = {str(resource["id"]) for resource in state.get("resources", []) if resource.get("id")}
    known |= {member for resource in state.get("resources", []) for member in _inside(resource)}
    removed = []
    for kind in KINDS:
        for found in list(kind.listed(connection)):
            if _marked(found, marks) and found.id not in known and (_since(found, since) or not kind.dated):
                task.update(f"removes {kind.name} {found.name or found.id}")
                kind.remove(connection, found)
                removed.append(f"{kind.name} {found.name or found.id}")
    removed += _loose_ends(connection, state, known, task)
    return removed


def _inside(resource: dict[str, Any]) -> Iterator[str]:
    """Ids that a resource has beside its own: of the ports and volumes that its cloud made for it."""
    outputs = resource.get("outputs") or {}
    if outputs.get("vipPortId"):
        yield outputs["vipPortId"]


def _marked(found: Any, marks: Marks) -> bool:  # noqa: ANN401
    """Whether a thing is the stack's: by its description, its metadata or, where it has neither, its name."""
    metadata = getattr(found, "metadata", None) or {}
    if getattr(found, "description", None) == marks.description:
        return True
    if isinstance(metadata, dict) and metadata.get("terp_stack") == marks.stack:
        return True
    named = type(found).__name__
    if named == "Keypair":
        return bool(found.name == marks.stack)
    return named == "ServerGroup" and found.name.startswith(f"{marks.stack}-") and not found.member_ids


def _since(found: Any, since: datetime) -> bool:  # noqa: ANN401
    created = getattr(found, "created_at", None)
    if not created:
        return False
    made = datetime.fromisoformat(created)
    return (made if made.tzinfo else made.replace(tzinfo=UTC)) >= since - MARGIN


def _loose_ends(connection: "Connection", state: State, known: set[str], task: Task) -> Iterator[str]:
    """Connections between things of the state that it does not know: attachments, router interfaces."""
    resources = state.get("resources", [])
    by_type: dict[str, set[str]] = {}
    for resource in resources:
        by_type.setdefault(resource["type"], set()).add(str(resource.get("id")))
    for volume_id in by_type.get("openstack:blockstorage/volume:Volume", set()):
        volume = connection.block_storage.get_volume(volume_id)
        for attachment in volume.attachments:
            name = f"{attachment['server_id']}/{volume_id}"
            if name not in by_type.get("openstack:compute/volumeAttach:VolumeAttach", set()):
                task.update(f"detaches volume {volume.name}")
                connection.compute.delete_volume_attachment(attachment["server_id"], volume_id)
                connection.block_storage.wait_for_status(volume, "available", wait=PATIENCE)
                yield f"attachment of volume {volume.name}"
    for router_id in by_type.get("openstack:networking/router:Router", set()):
        for port in connection.network.ports(device_id=router_id, device_owner="network:router_interface"):
            if port.id not in known:
                task.update(f"removes an interface of router {router_id}")
                _remove_interface(connection, router_id, port)
                yield f"interface of router {router_id}"


def _delete_server(connection: "Connection", server: Any) -> None:  # noqa: ANN401
    connection.compute.delete_server(server)
    connection.compute.wait_for_delete(server, interval=1, wait=PATIENCE)


def _delete_volume(connection: "Connection", volume: Any) -> None:  # noqa: ANN401
    connection.block_storage.delete_volume(volume)
    connection.block_storage.wait_for_delete(volume, interval=1, wait=PATIENCE)


def _delete_balancer(connection: "Connection", balancer: Any) -> None:  # noqa: ANN401
    end = time.monotonic() + PATIENCE
    while balancer.provisioning_status.startswith("PENDING") and time.monotonic() < end:
        time.sleep(1)
        balancer = connection.load_balancer.get_load_balancer(balancer.id)
    connection.load_balancer.delete_load_balancer(balancer, cascade=True)
    connection.load_balancer.wait_for_delete(balancer, interval=1, wait=PATIENCE)


def _remove_interface(connection: "Connection", router_id: str, port: Any) -> None:  # noqa: ANN401
    for address in port.fixed_ips:
        connection.network.remove_interface_from_router(router_id, subnet=address["subnet_id"])


def _delete_router(connection: "Connection", router: Any) -> None:  # noqa: ANN401
    for port in connection.network.ports(device_id=router.id, device_owner="network:router_interface"):
        _remove_interface(connection, router.id, port)
    connection.network.delete_router(router)


def _balancers(connection: "Connection") -> Iterable[Any]:
    there = connection.has_service("load-balancer")
    return connection.load_balancer.load_balancers() if there else ()


def _of_balancers(listed: str) -> Callable[["Connection"], Iterable[Any]]:
    return lambda connection: (
        getattr(connection.load_balancer, listed)() if list(_balancers(connection)) else ()
    )


KINDS = (
    Kind("load balancer", _balancers, _delete_balancer),
    Kind(
        "listener",
        _of_balancers("listeners"),
        lambda connection, found: connection.load_balancer.delete_listener(found),
    ),
    Kind(
        "pool",
        _of_balancers("pools"),
        lambda connection, found: connection.load_balancer.delete_pool(found),
    ),
    Kind("server", lambda connection: connection.compute.servers(), _delete_server),
    Kind("volume", lambda connection: connection.block_storage.volumes(), _delete_volume),
    Kind(
        "floating IP",
        lambda connection: connection.network.ips(),
        lambda connection, found: connection.network.delete_ip(found),
    ),
    Kind(
        "port",
        lambda connection: connection.network.ports(),
        lambda connection, found: connection.network.delete_port(found),
    ),
    Kind("router", lambda connection: connection.network.routers(), _delete_router),
    Kind(
        "subnet",
        lambda connection: connection.network.subnets(),
        lambda connection, found: connection.network.delete_subnet(found),
    ),
    Kind(
        "network",
        lambda connection: connection.network.networks(),
        lambda connection, found: connection.network.delete_network(found),
    ),
    Kind(
        "security-group rule",
        lambda connection: connection.network.security_group_rules(),
        lambda connection, found: connection.network.delete_security_group_rule(found),
    ),
    Kind(
        "security group",
        lambda connection: connection.network.security_groups(),
        lambda connection, found: connection.network.delete_security_group(found),
    ),
    Kind(
        "server group",
        lambda connection: connection.compute.server_groups(),
        lambda connection, found: connection.compute.delete_server_group(found),
        dated=False,
    ),
    Kind(
        "keypair",
        lambda connection: connection.compute.keypairs(),
        lambda connection, found: connection.compute.delete_keypair(found),
        dated=False,
    ),
)
"""In the order in which they let go of each other."""
