"""From a cloud and Pulumi's backend to what may go, and its removal."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from terp.environment.cloud import Cloud
from terp.openstack.connection import connect
from terp.progress import Progress
from terp.stack import owner
from terp.stack.lifetime import end_of
from terp.stack.pulumi import Pulumi
from terp.stack.reap.judgement import found_stacks
from terp.stack.reap.model import FoundStack, Standing
from terp.stack.reap.removal import Removal, remove
from terp.stack.reap.survey import Found, survey
from terp.stack.workflow import TOOLS, forget_stack
from terp.stack.workspace import Workspace
from terp.tools import sync

NOTHING = Removal()


@dataclass(frozen=True)
class Reaping:
    """What was found, what went, and which stacks Pulumi's backend does not have any more."""

    stacks: tuple[FoundStack, ...]
    removal: Removal = NOTHING
    forgotten: tuple[str, ...] = ()


class Reaper:
    """One cloud and Pulumi's backend."""

    def __init__(self, cloud: Cloud, progress: Progress, *, mine: str = "") -> None:
        """`mine` is the stack that the caller itself owns."""
        self._mine = mine
        self._connection = connect(cloud)
        self._progress = progress
        self._toolchain = sync(TOOLS, progress)
        self._found: tuple[Found, ...] = ()

    def look(self, keep: Collection[str] = (), named: Collection[str] = ()) -> tuple[FoundStack, ...]:
        """Every stack that has something on the cloud, in the backend, or on this machine.

        Nothing is changed. `keep` and `named` are those of `found_stacks`.
        """
        with self._progress.task("survey"):
            standings = self._standings()
            recorded = [name for name, each in standings.items() if each.recorded]
            self._found = survey(self._connection, recorded)
        things = [each.thing for each in self._found]
        return found_stacks(things, standings, now=datetime.now(UTC), keep=keep, named=named)

    def remove(self, stacks: Sequence[FoundStack]) -> Reaping:
        """Remove what may go of these; a stack of which all has gone that should is forgotten."""
        going = [each for each in stacks if each.may_go]
        taken = {(thing.kind, thing.id) for each in going for thing in each.takes}
        found = [each for each in self._found if (each.thing.kind, each.thing.id) in taken]
        with self._progress.task("reap") as task:
            removal = remove(self._connection, found, task)
        stays = {thing.stack for thing, _ in removal.failed}
        gone = tuple(each.name for each in going if each.name not in stays)
        for name in gone:
            forget_stack(_workspace(name), self._toolchain)
        return Reaping(tuple(stacks), removal, gone)

    def _standings(self) -> dict[str, Standing]:
        recorded = self._pulumi("any").stacks()
        return {name: self._standing(name, name in recorded) for name in {*recorded, *owner.stacks()}}

    def _standing(self, name: str, recorded: bool) -> Standing:
        held = "its run is alive" if name != self._mine and owner.is_held(name) else ""
        if not held and end_of(name):
            held = self._pulumi(name).holder()
        return Standing(recorded=recorded, held=held, abandoned=owner.is_abandoned(name))

    def _pulumi(self, stack: str) -> Pulumi:
        return Pulumi(_workspace(stack), self._toolchain, state_only=True)


def _workspace(stack: str) -> Workspace:
    """Of a stack whose file may be anywhere, or gone."""
    return Workspace(Path(f"Pulumi.{stack}.yaml"))
