"""Where recovery sets lie: named files that appear whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from terp.errors import TerpError


class Entry(NamedTuple):
    """What is known of a stored file without reading it."""

    size: int
    written: datetime


class Store(Protocol):
    """A place for files by names such as `objects/0a1b`."""

    def put(self, name: str, source: Path) -> None:
        """Store a copy of a file; until it is whole there is none."""

    def get(self, name: str, to: Path) -> None:
        """Copy a stored file; raises FileNotFoundError if there is none."""

    def entries(self, folder: str) -> Mapping[str, Entry]:
        """The whole files of a folder by their names in it."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""


class Directory:
    """A directory, perhaps of another machine."""

    def __init__(self, place: Path, below: str) -> None:
        """`place` must be there, so that nothing is written under a disk that is not mounted.

        Raises:
            TerpError: it is not (exit code 2).
        """
        if not place.is_dir():
            raise TerpError(
                f"there is no directory {place}", hint="is its disk mounted? Else make it: mkdir", exit_code=2
            )
        self._root = place / below

    def put(self, name: str, source: Path) -> None:
        """Store a copy of a file; until it is whole there is none."""
        file = self._root / name
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = file.with_name(f".{secrets.token_hex(8)}.new")
        try:
            with source.open("rb") as content, new.open("xb") as out:
                shutil.copyfileobj(content, out)
                out.flush()
                os.fsync(out.fileno())
            new.replace(file)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        _sync(file.parent)

    def get(self, name: str, to: Path) -> None:
        """Copy a stored file; raises FileNotFoundError if there is none."""
        shutil.copyfile(self._root / name, to)

    def entries(self, folder: str) -> Mapping[str, Entry]:
        """The whole files of a folder by their names in it."""
        place = self._root / folder
        files = place.iterdir() if place.is_dir() else ()
        found = {file.name: file.stat() for file in files if not file.name.startswith(".")}
        return {
            name: Entry(stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))
            for name, stat in sorted(found.items())
        }

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        (self._root / name).unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    """Bring the names in a directory to the disk, so that they outlive a loss of power."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
