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

from terp.environment import Environment
from terp.errors import TerpError
from terp.openstack.marks import Marks
from terp.openstack.servers import server_groups
from terp.progress import Task
from terp.stack.pulumi import State, ids

if TYPE_CHECKING:
    from openstack.connection import Connection

MARGIN = timedelta(hours=1)
"""By how much the cloud's clock may be behind."""
PATIENCE = 300
"""Seconds that a deletion may take, or that something may be busy before."""
UNMARKED = ("Keypair", "ServerGroup", "HealthMonitor")
"""What has no place for a mark: it is known by its name."""
INTERFACE = ("network:router_interface", "network:ha_router_replicated_interface")
"""How the device_owner of a router's interface begins (neutron-lib 3: constants.ROUTER_INTERFACE_OWNERS)."""


@dataclass(frozen=True)
class Trace:
    """How the leftovers of one run are known: `names` are those of unmarked things, `known` the state's ids."""

    mark: str
    names: frozenset[str]
    known: frozenset[str]
    since: datetime

    def leads_to(self, found: Any) -> bool:  # noqa: ANN401
        """Whether a thing is a leftover."""
        return self._marked(found) and self.fresh(found)

    def _marked(self, found: Any) -> bool:  # noqa: ANN401
        if type(found).__name__ in UNMARKED:
            return found.name in self.names
        metadata = getattr(found, "metadata", None) or {}
        stack = self.mark.partition("=")[2]
        return getattr(found, "description", None) == self.mark or metadata.get("terp_stack") == stack

    def fresh(self, found: Any) -> bool:  # noqa: ANN401
        """Whether it was made since, without the state knowing; Nova does not say of server groups when."""
        if str(found.id) in self.known:
            return False
        if type(found).__name__ == "ServerGroup":
            return not found.member_ids
        created = getattr(found, "created_at", None)
        return bool(created) and _moment(created) >= self.since - MARGIN


def trace(stack: str, environment: Environment, state: State, since: datetime) -> Trace:
    """How the leftovers are known of a run on a stack that began at `since`."""
    groups = (f"{stack}-{group.name}" for group in server_groups(stack, environment))
    return Trace(
        mark=Marks(stack=stack, owner=environment.owner).description,
        names=frozenset((stack, f"{stack}-api", *groups)),
        known=frozenset(ids(state)),
        since=since,
    )


def remove_leftovers(connection: "Connection", trace: Trace, state: State, task: Task) -> list[str]:
    """Remove the leftovers of a run; returns what they were.

    Raises:
        TerpError: something stays busy, so that it cannot be removed.
    """
    removed = []
    for name, listed, remove in (*_loose_ends(connection, state), *KINDS):
        for found in list(listed(connection)):
            loose = name in LOOSE and trace.fresh(found)
            if loose or trace.leads_to(found):
                what = f"{name} {found.name or found.id}"
                task.update(f"removes {what}")
                remove(connection, found)
                removed.append(what)
    removed += _detached(connection, state, task)
    return removed


def stillborn(connection: "Connection", state: State) -> list[str]:
    """URNs of what was begun and never worked: Pulumi would keep it as it is.

    A server or a load balancer that ended in ERROR has an id, so Pulumi takes it for made, with an error.
    """
    failed = [each for each in state.get("resources", []) if each.get("initErrors") and each.get("id")]
    return [each["urn"] for each in failed if each["type"] in BORN and _never_worked(connection, each)]


def _never_worked(connection: "Connection", resource: dict[str, Any]) -> bool:
    found = next((each for each in BORN[resource["type"]](connection) if each.id == resource["id"]), None)
    if found is None:
        return False
    if type(found).__name__ == "Server":
        return found.status == "ERROR" and not found.launched_at
    return getattr(found, "provisioning_status", found.status if hasattr(found, "status") else "").upper() == "ERROR"


Listed = Callable[["Connection"], Iterable[Any]]
Remove = Callable[["Connection", Any], object]
