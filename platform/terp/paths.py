"""Where Terp keeps what is not in the work tree (XDG Base Directory Specification 0.8)."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
"""The work tree."""


def _base(variable: str, xdg: str, default: str) -> Path:
    chosen = os.environ.get(variable)
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = Path(os.environ.get(xdg, ""))
    return (
        base if base.is_absolute() else Path.home() / default
    ) / "terp"  # the specification ignores others


def cache_dir() -> Path:
    """What can be made again: tools, wheels, base images. `TERP_CACHE` moves it."""
    return _base("TERP_CACHE", "XDG_CACHE_HOME", ".cache")


def state_dir() -> Path:
    """What runs: the embedded cloud. `TERP_STATE` moves it."""
    return _base("TERP_STATE", "XDG_STATE_HOME", ".local/state")


@contextmanager
def private_folder(folder: Path) -> Iterator[Path]:
    """A folder that only its owner may enter, empty before the block and gone after it."""
    if folder.exists():  # of a run that was killed
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
