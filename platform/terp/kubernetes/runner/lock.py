"""One run at a time on a cluster: who has it since when.

The kernel frees the lock with the process that holds it, however that ended.
"""

import fcntl
import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from terp.errors import TerpError
from terp.kubernetes.runner.processes import end_processes


@contextmanager
def held(folder: Path, what: str) -> Iterator[str]:
    """Hold a cluster's lock for `what`; the block gets who died with the lock in hand, or nothing.

    Whatever such a run has left running is ended first.

    Raises:
        TerpError: somebody else holds it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TerpError(
                f"cluster {folder.name} is in the hands of another run: {_holder(lock)}",
                hint="wait for it, or end that process",
            ) from None
        dead = _holder(lock)
        end_processes(folder)
        _write(lock, {"what": what, "user": getpass.getuser(), "pid": os.getpid(), "since": now()})
        try:
            yield dead
        finally:
            _write(lock, None)


def now() -> str:
    """UTC, to the second (ISO 8601)."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _holder(lock: TextIO) -> str:
    """Who wrote into the lock last, and has not taken it out."""
    lock.seek(0)
    try:
        holder = json.loads(lock.read())
    except ValueError:  # empty, or torn
        return ""
    return f"{holder['what']} by {holder['user']}, process {holder['pid']}, since {holder['since']}"


def _write(lock: TextIO, holder: dict[str, object] | None) -> None:
    lock.seek(0)
    lock.truncate()
    lock.write(json.dumps(holder) if holder else "")
    lock.flush()
