"""What a run that broke off left on the cloud without Pulumi knowing: an answer was lost, a process killed.

Everything that Terp makes carries the stack's mark from the request on that creates it. What has the mark, is
not in the state, and was made since the broken run began, is a leftover: it is removed, so that the next run
makes no second one. What is older is never touched: a lost state must not cost a platform.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from terp.environment import Environment
from terp.openstack.marks import Marks
from terp.openstack.servers import server_groups
from terp.openstack.types import INSTANCE, LOAD_BALANCER, NETWORK, SECURITY_GROUP, VOLUME
from terp.progress import Task
from terp.stack.kinds import INTERFACE, KINDS, PATIENCE, Kind, balancing, remove_interface, settle_volume
from terp.stack.pulumi import State, ids_of

if TYPE_CHECKING:
    from openstack.connection import Connection

MARGIN = timedelta(hours=1)
"""By how much the cloud's clock may be behind."""
UNMARKED = ("Keypair", "ServerGroup", "HealthMonitor")
"""What has no place for a mark, and is known by its name."""


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
    for kind in (*balancing(connection), *KINDS, *_loose_ends(state)):
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
    INSTANCE: _server_never_ran,
    VOLUME: _volume_never_made,
    LOAD_BALANCER: _balancer_never_made,
}
"""How to see that something never worked."""


def _moment(created: str) -> datetime:
    """Neutron and Nova end with Z; Cinder and Octavia leave it out, and mean UTC too."""
    moment = datetime.fromisoformat(created)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _loose_ends(state: State) -> tuple[Kind, ...]:
    """What joins things of the state, or lies within them: attachments, interfaces, security-group rules."""

    def attachments(connection: "Connection") -> Iterator[Attachment]:
        volumes = ids_of(state, VOLUME)
        for volume in connection.block_storage.volumes():
            if volume.id in volumes:
                yield from _attachments(settle_volume(connection, volume))

    def interfaces(connection: "Connection") -> Iterator[Any]:
        networks = ids_of(state, NETWORK)
        for port in connection.network.ports():
            if port.network_id in networks and port.device_owner.startswith(INTERFACE):
                yield port

    def rules(connection: "Connection") -> Iterator[Any]:
        groups = ids_of(state, SECURITY_GROUP)
        for rule in connection.network.security_group_rules():
            if rule.security_group_id in groups:
                yield rule

    return (
        Kind("attachment", attachments, _detach, marked=False),
        Kind("interface", interfaces, remove_interface, marked=False),
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
