"""Lists what stacks have on a cloud: every kind at once."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from terp.beside import workers
from terp.errors import TerpError
from terp.stack.kinds import KINDS, SNAPSHOT, Kind, balancing, remove_interface
from terp.stack.reap.model import Thing
from terp.stack.reap.ownership import ours

if TYPE_CHECKING:
    from openstack.connection import Connection

AT_ONCE = 6
INTERFACES = Kind("interface", lambda _: (), remove_interface)
"""Known by the networks that they join, among the ports."""


@dataclass(frozen=True)
class Found:
    """A thing, as the API showed it, and how it goes."""

    thing: Thing
    kind: Kind
    resource: Any

    def remove(self, connection: "Connection") -> None:
        """Remove it, and wait until it is gone."""
        self.kind.remove(connection, self.resource)


def survey(connection: "Connection", recorded: Collection[str] = ()) -> tuple[Found, ...]:
    """What belongs to stacks in the credential's project; `recorded` are those that Pulumi's backend has.

    Raises:
        TerpError: something cannot be listed; then nothing is known.
    """
    from keystoneauth1.exceptions import ClientException
    from openstack.exceptions import SDKException

    try:
        balancers = balancing(connection)[:1]  # their parts go with them
        kinds = {each.name: each for each in (*balancers, *KINDS, SNAPSHOT)}
        with workers(AT_ONCE) as threads:
            answers = threads.map(lambda kind: list(kind.listed(connection)), kinds.values())
            listed = dict(zip(kinds, answers, strict=True))
        project = str(connection.current_project_id)
    except (SDKException, ClientException) as error:
        raise TerpError(f"the cloud does not tell what it has: {error}") from error
    kinds["interface"] = INTERFACES
    return tuple(
        Found(thing, kinds[thing.kind], resource) for thing, resource in ours(listed, project, recorded)
    )
