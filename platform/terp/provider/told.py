"""Progress of work inside a resource, told as lines."""

from terp.paths import cache_dir
from terp.progress import Event, Progress, Timings, sentence
from terp.provider.resource import Sayings


def told(say: Sayings) -> Progress:
    """A progress whose events are lines of a resource."""
    return Progress(_Told(say), Timings(cache_dir() / "timings.json"))


class _Told:
    """A sink of lines."""

    every = 10.0

    def __init__(self, say: Sayings) -> None:
        self._say = say

    def show(self, event: Event) -> None:
        """Say it."""
        self._say.progress(sentence(event))

    def close(self) -> None:
        """Nothing to give back."""
