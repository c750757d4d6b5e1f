"""A mark of this machine that a cluster is being changed: it outlives whoever was killed in the middle.

Pulumi's state says the same as before then, and an edit that is taken back would look like no change at all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from terp.paths import state_dir


def folder_of(name: str) -> Path:
    """Where this machine keeps what belongs to a cluster; nobody else may read it."""
    return state_dir() / "clusters" / name


def is_unfinished(name: str) -> bool:
    """Whether a change has begun and not come to its end."""
    return _mark(name).exists()


@contextmanager
def unfinished(name: str) -> Iterator[None]:
    """Mark the cluster while the block runs; the mark stays when it fails."""
    folder = folder_of(name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _mark(name).touch()
    yield
    _mark(name).unlink(missing_ok=True)


def _mark(name: str) -> Path:
    return folder_of(name) / "unfinished"
