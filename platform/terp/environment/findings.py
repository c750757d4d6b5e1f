"""What is wrong in an environment file: where, what, and what would be right."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from terp.errors import TerpError
from terp.model import Model

Key = tuple[str | int, ...]
"""The way to a value: names in mappings, places (from 0) in lists."""
ENVIRONMENT = "terp:environment"
NEAR, FAR = 0.75, 0.6
"""How alike two words are (difflib) that are taken for each other, and that are when nothing else fits."""


class Finding(Model):
    """One mistake, by its key in the environment; `other` is the key it contradicts, `value` what that is."""

    key: Key
    message: str
    other: Key | None = None
    value: str = ""
    suggestion: str = ""


class Mistake(Model):
    """A finding with its place, for people and for machines; in Pulumi's program it has no file and line."""

    file: Path | None = None
    line: int | None = None
    key: str
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        place = f"{self.file or ''}{f':{self.line}' if self.line else ''}"
        lines = [f"{place}: {self.key}" if place else self.key, f"  {self.message}"]
        return "\n".join([*lines, *([f"  {self.suggestion}"] if self.suggestion else [])])


class InvalidEnvironmentError(TerpError):
    """All that is wrong with an environment, at once; nothing was changed."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        count = "one mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        blocks = "\n\n".join(str(each) for each in mistakes)
        super().__init__(f"{count} in the environment; nothing was changed\n\n{blocks}", exit_code=2)
        self.mistakes = tuple(mistakes)


def dotted(key: Key) -> str:
    """`nodes.pools.cpu.zones[0]`."""
    text = ""
    for step in key:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def nearest(word: str, options: Iterable[str], alike: float = FAR) -> str | None:
    """The option that was probably meant."""
    plain = {_plain(each): each for each in sorted(options, reverse=True)}
    found = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=alike)
    return plain[found[0]] if found else None


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """A suggestion out of what is possible."""
    known = sorted(options)
    if near := nearest(word, known):
        return f'did you mean "{near}"?'
    return f"possible: {', '.join(known)}" if known else ""


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")
