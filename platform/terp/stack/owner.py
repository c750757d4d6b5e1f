"""Which run of this machine owns a stack with a lifetime: the kernel frees its lock however it ended."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from terp.paths import state_dir


def folder_of(stack: str) -> Path:
    """Where a run keeps the stack's file, and its lock."""
    return state_dir() / "ephemeral" / stack


@contextmanager
def owned(stack: str) -> Iterator[Path]:
    """Own a new stack in the block, which gets its folder."""
    folder = folder_of(stack)
    folder.mkdir(parents=True, mode=0o700)
    handle = os.open(_lock(stack), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(handle)


def keep(stack: str) -> None:
    """Let it live until its end without an owner."""
    _lock(stack).unlink()


def is_held(stack: str) -> bool:
    """Whether the run that owns it is alive."""
    return _held(_lock(stack))


def is_abandoned(stack: str) -> bool:
    """Whether the run that owned it has ended without keeping it."""
    lock = _lock(stack)
    return lock.exists() and not _held(lock)


def stacks() -> tuple[str, ...]:
    """Those that runs of this machine own, have kept, or have left behind."""
    return tuple(sorted(each.name for each in (state_dir() / "ephemeral").glob("*")))


def forget(stack: str) -> None:
    """Remove the folder."""
    shutil.rmtree(folder_of(stack), ignore_errors=True)


def _lock(stack: str) -> Path:
    return folder_of(stack) / "lock"


def _held(lock: Path) -> bool:
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
