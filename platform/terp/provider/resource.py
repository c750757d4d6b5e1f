"""What a resource of ours is to the protocol: plain properties in, plain properties out."""

import threading
from collections.abc import Sequence
from typing import Protocol

from terp.errors import TerpError
from terp.provider.values import Properties


class UnfinishedError(TerpError):
    """The resource is there, but not as it shall be; `outputs` is what it is. The next `up` goes on."""

    def __init__(self, outputs: Properties, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.outputs = outputs


class Sayings(Protocol):
    """Where it is said what happens."""

    def say(self, line: str) -> None:
        """Something that happened once."""

    def warn(self, line: str) -> None:
        """Something that a person should look at."""

    def progress(self, line: str) -> None:
        """How far it is."""


class Resource(Protocol):
    """One type of resource. Its id is the input `name`."""

    @property
    def secrets(self) -> frozenset[str]:
        """The properties that nobody may see."""

    @property
    def computed(self) -> tuple[str, ...]:
        """The outputs that are no inputs."""

    def arranged(self, olds: Properties, news: Properties) -> Properties:
        """New inputs, in the order of the old ones where order is kept."""

    def problems(self, inputs: Properties) -> list[tuple[Sequence[str], str]]:
        """What is wrong with inputs: where and what."""

    def is_unfinished(self, name: str, outputs: Properties) -> bool:
        """Whether a change was broken off, so that the next `up` must go on without any difference."""

    def preview(self, inputs: Properties, outputs: Properties, say: Sayings) -> bool:
        """Say what `lead` would do, and whether the outputs would change; inputs may not be known yet."""

    def lead(
        self, inputs: Properties, outputs: Properties, say: Sayings, stop: threading.Event
    ) -> Properties:
        """Make it what the inputs say, or end soon once `stop` is set; the computed outputs.

        Raises:
            UnfinishedError: it came into being, but not to its end.
            TerpError: nothing has begun.
        """

    def read(self, inputs: Properties, outputs: Properties, say: Sayings) -> Properties | None:
        """The computed outputs as they are now; None when it is gone."""

    def delete(self, inputs: Properties, say: Sayings, stop: threading.Event) -> None:
        """End it."""
