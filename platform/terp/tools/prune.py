"""Give disk space back; what runs stays."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from terp.tools.golang import builds_dir, go_dir, modules_dir
from terp.tools.store import Store, remove_tree
from terp.tools.toolchain import alone, tools_dir
from terp.tools.versions import read_versions, this_platform

PATIENCE = 5.0
"""Seconds to wait for another run."""


@dataclass(frozen=True)
class Freed:
    """What was removed, and how many bytes it took."""

    what: str
    size: int


def prune(say: Callable[[str], None], *, old: bool = False) -> list[Freed]:
    """Remove what only builds need; with `old` also tools that no pin leads to any more.

    Raises:
        TerpError: another run is changing the tools.
    """
    store = Store(tools_dir())
    with alone(store.root, say, PATIENCE):
        places = {
            "Go modules": [modules_dir()],
            "compiled packages": [builds_dir()],
            "Go toolchains": [go_dir() / "toolchain"],
            "release files": [store.downloads],
            "leftovers": [store.temporary, store.pulumi_home / "logs"],
        }
        if old:
            places["older tools"] = store.unused(read_versions().everything(), this_platform())
        freed = []
        for what, found in places.items():
            size = 0
            for place in found:
                say(f"removes {place}")
                size += disk_usage(place)
                _remove(place)
            freed.append(Freed(what, size))
        return freed


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        remove_tree(place)
    else:
        place.unlink(missing_ok=True)


def disk_usage(root: Path) -> int:
    """Bytes that a directory's files take on disk, links not followed."""
    if not root.is_dir():
        return root.lstat().st_blocks * 512 if root.exists() else 0
    total = 0
    for directory, _, names in os.walk(root):
        for name in names:
            total += os.lstat(os.path.join(directory, name)).st_blocks * 512  # noqa: PTH118 - many thousands
    return total
