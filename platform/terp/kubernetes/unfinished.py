"""A mark of this machine that a cluster is being changed: it outlives whoever was killed in the middle.

Pulumi's state says the same as before then, and an edit that is taken back would look like no change at all.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from terp.paths import state_dir

if TYPE_CHECKING:
    from terp.kubernetes.model import ClusterState


def folder_of(name: str) -> Path:
    """Where this machine keeps what belongs to a cluster; nobody else may read it."""
    return state_dir() / "clusters" / name


def forget(name: str) -> None:
    """Remove what this machine keeps of a cluster that is gone."""
    if folder_of(name).exists():
        shutil.rmtree(folder_of(name))


def is_unfinished(name: str) -> bool:
    """Whether a change has begun and not come to its end."""
    return _mark(name).exists()


def broken_off(name: str) -> "tuple[ClusterState, ...]":
    """The states that changes which broke off were leading to, oldest first."""
    from terp.kubernetes.model import ClusterState  # half a second that `is_unfinished` does not need

    if not is_unfinished(name):
        return ()
    return tuple(ClusterState.model_validate(each) for each in json.loads(_mark(name).read_text()))


@contextmanager
def unfinished(name: str, attempts: "Sequence[ClusterState]") -> Iterator[None]:
    """Mark the cluster as on its way to the last of these in the block; the mark stays if that fails."""
    folder = folder_of(name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = folder / "unfinished.new"
    new.write_text(json.dumps([each.model_dump(mode="json") for each in attempts]))
    new.replace(_mark(name))
    yield
    _mark(name).unlink(missing_ok=True)


def _mark(name: str) -> Path:
    return folder_of(name) / "unfinished"
