"""The Python environment of the embedded cloud's services (`requirements/cloud.lock`)."""

from pathlib import Path

from terp.progress import Progress
from terp.virtualenv import Virtualenv

NAME = "cloud"


def environment(progress: Progress) -> Path:
    """Path of the environment's Python; made first, with compiled bytecode, if it is missing.

    Raises:
        TerpError: it cannot be installed; says what failed and where its log is.
    """
    venv = Virtualenv(NAME)
    if not venv.exists():
        with progress.task("cloud environment", expected=40) as task:
            venv.make(task.update)
    return venv.python
