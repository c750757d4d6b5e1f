"""One change at a time: between threads and between processes."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from terp.errors import TerpError

LONGEST_WAIT = 120.0
"""Seconds to wait for whoever holds the lock."""


@contextmanager
def locked(file: Path, timeout: float = LONGEST_WAIT) -> Iterator[None]:
    """Hold the lock of `file`. The file may be removed by its holder: whoever waits then makes a new one.

    Raises:
        TerpError: somebody else held it for longer than `timeout` seconds.
    """
    end = time.monotonic() + timeout
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(handle, file):
                break
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(handle)
                raise TerpError(f"{file.name} has been held for more than {timeout:.0f} s") from None
            time.sleep(0.02)
        os.close(handle)
    try:
        yield
    finally:
        os.close(handle)


def _is(handle: int, file: Path) -> bool:
    try:
        there = file.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(handle), there)
