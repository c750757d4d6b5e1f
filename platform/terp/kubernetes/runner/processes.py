"""What a run has started, and how all of it ends, also when the run itself was killed.

Every process of a run has a mark in its environment. The connections that ssh keeps write their title over
it: they are known by their sockets, whose folder has a name that belongs to the cluster.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from terp.errors import TerpError

MARK = "TERP_RUN"
"""Variable in the environment; its value is the cluster's folder."""
TO_DIE = 10.0
"""Seconds that killed processes have to be gone."""


@contextmanager
def sockets(folder: Path) -> Iterator[Path]:
    """A folder for sockets: not in the cluster's, as their paths are limited to 107 characters."""
    for old in Path(tempfile.gettempdir()).glob(f"{_prefix(folder)}*"):  # of a run that was killed
        if old.stat().st_uid == os.getuid():
            shutil.rmtree(old)
    with tempfile.TemporaryDirectory(prefix=_prefix(folder), ignore_cleanup_errors=True) as place:
        yield Path(place)


def processes(folder: Path) -> list[int]:
    """The processes of a run on the cluster with this folder."""
    mark, socket = f"{MARK}={folder}".encode(), f"/{_prefix(folder)}".encode()
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit() and int(each.name) != os.getpid():
            with contextlib.suppress(OSError):  # it ended meanwhile, or is somebody else's
                title = (each / "cmdline").read_bytes()
                connection = title.startswith(b"ssh: ") and socket in title
                if connection or mark in (each / "environ").read_bytes().split(b"\0"):
                    found.append(int(each.name))
    return found


def end_processes(folder: Path) -> None:
    """Kill whatever a run on this cluster has left.

    Raises:
        TerpError: something outlives SIGKILL.
    """
    end = time.monotonic() + TO_DIE
    while running := processes(folder):
        if time.monotonic() > end:
            raise TerpError(f"processes of a run on {folder.name} do not end: {running}")
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _prefix(folder: Path) -> str:
    return f"terp-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}-"
