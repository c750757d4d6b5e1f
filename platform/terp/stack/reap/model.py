"""What is found on a cloud, and what becomes of it."""

from datetime import datetime

from terp.model import Model
from terp.stack.lifetime import end_of


class Thing(Model):
    """Something on the cloud that belongs to a stack.

    `by_cluster` says that its cluster made it, `kept` that it was left on purpose when its stack was
    destroyed, and `stands_on` is the id of what cannot go before it.
    """

    kind: str
    id: str
    name: str
    stack: str
    by_cluster: bool = False
    kept: bool = False
    stands_on: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name or self.id}"


class Standing(Model):
    """What is known of a stack beside its things on the cloud.

    `recorded` says that Pulumi's backend has it; `held` who works on it now; `abandoned` that the run of this
    machine that made it is dead.
    """

    recorded: bool = False
    held: str = ""
    abandoned: bool = False


class FoundStack(Model):
    """A stack, what it has, and whether it may go: with what it `takes` along, and what it `leaves`."""

    name: str
    may_go: bool
    reason: str
    recorded: bool
    takes: tuple[Thing, ...] = ()
    leaves: tuple[Thing, ...] = ()

    @property
    def end(self) -> datetime | None:
        """When its lifetime ends."""
        return end_of(self.name)
