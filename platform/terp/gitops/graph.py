"""In which order components come: waves that follow from what each needs."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from pydantic import Field

from terp.errors import TerpError
from terp.model import Model


class CycleOfNeedsError(TerpError):
    """Components that wait for each other; `path` leads from one of them back to it."""

    def __init__(self, path: tuple[str, ...]) -> None:
        hint = "one of these needs must go; what both sides need can be a component of its own"
        super().__init__(f"a cycle of needs: {' needs '.join(path)}", hint=hint, exit_code=2)
        self.path = path


class Graph(Model):
    """Components in waves: all that one needs lies in earlier waves, and no wave could be earlier."""

    waves: tuple[tuple[str, ...], ...] = Field(description="Names, in the order of the alphabet.")
    needs: dict[str, tuple[str, ...]] = Field(description="By component, the components that it needs.")

    def wave(self, name: str) -> int:
        """The wave of a component, from 0."""
        return next(number for number, names in enumerate(self.waves) if name in names)

    @property
    def critical_path(self) -> tuple[str, ...]:
        """A longest chain of needs, first things first: what the number of waves is due to.

        Of several the first in the order of the alphabet, seen from its end.
        """
        path: tuple[str, ...] = ()
        for number, names in reversed(list(enumerate(self.waves))):
            before = self.needs[path[0]] if path else names
            path = (min(name for name in before if self.wave(name) == number), *path)
        return path


def with_needs(names: Iterable[str], needs: Mapping[str, Iterable[str]]) -> set[str]:
    """These, and all that they need, directly or not."""
    found, following = set[str](), set(names)
    while following:
        found |= following
        following = {need for name in following for need in needs[name]} - found
    return found


def graph(needs: Mapping[str, tuple[str, ...]]) -> Graph:
    """The waves of components, by what each needs.

    Raises:
        CycleOfNeedsError: some wait for each other (exit code 2).
    """
    ordered = {name: tuple(sorted(set(needs[name]))) for name in sorted(needs)}
    sorter = TopologicalSorter(ordered)
    try:
        sorter.prepare()
    except CycleError as error:
        raise CycleOfNeedsError(tuple(reversed(error.args[1]))) from error
    waves = []
    while sorter.is_active():
        ready = sorter.get_ready()
        waves.append(tuple(sorted(ready)))
        sorter.done(*ready)
    return Graph(waves=tuple(waves), needs=ordered)
