"""Trees in the cache that take long to make: made once, whole or not at all."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from terp.beside import pause
from terp.command import Command
from terp.errors import TerpError

LONGEST_WAIT = 1800.0
"""Seconds to wait for another program that makes the same tree."""


def make_once(final: Path, make: Callable[[Path], None]) -> Path:
    """`final`, made by `make` in a directory beside it when it is not there yet.

    Raises:
        TerpError: another program has been making it for longer than `LONGEST_WAIT`.
    """
    if final.exists():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with _lock(final.with_name(f".{final.name}.lock")):
        if final.exists():
            return final
        new = final.with_name(f"{final.name}.building")
        discard(new)
        new.mkdir()
        try:
            make(new)
            new.rename(final)
        finally:
            discard(new)
    return final


def discard(tree: Path) -> None:
    """Remove a tree that may still have file systems mounted in it (an interrupted build).

    Raises:
        TerpError: something stays mounted in it; nothing is removed then.
    """
    if not tree.exists():
        return
    for point in reversed(mounts_under(tree)):
        Command(("umount", "--lazy", "--no-canonicalize")).run(point)
    if left := mounts_under(tree):
        raise TerpError(f"{left[0]} is still mounted", hint=f"unmount it, then remove {tree}")
    shutil.rmtree(tree)


def mounts_under(tree: Path) -> list[Path]:
    """Mount points in a tree (the tree itself included), outer ones first."""
    points = []
    tree = tree.resolve()
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = Path(line.split()[4].encode().decode("unicode_escape"))
        if point == tree or tree in point.parents:
            points.append(point)
    return points


@contextmanager
def _lock(file: Path) -> Iterator[None]:
    end = time.monotonic() + LONGEST_WAIT
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise TerpError(f"another program has been holding {file} for too long") from None
                pause(0.2)
        yield
