"""Where secrets of an environment lie in clear while a set is written or read."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from terp.errors import TerpError
from terp.paths import private_folder, state_dir


@contextmanager
def working_folder(stack: str) -> Iterator[Path]:
    """An empty folder that its owner alone may enter; it is gone after the block, or before the next one.

    Raises:
        TerpError: another run of this machine has it.
    """
    own = state_dir() / "recovery" / stack
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TerpError(
                f"a recovery set of {stack} is being written or read", hint="wait for it"
            ) from None
        with private_folder(own / "open") as folder:
            yield folder
