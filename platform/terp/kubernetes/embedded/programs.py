"""Programs of the distribution for images: each with what it is linked with."""

import platform
from pathlib import Path

from terp.cloud.packages import libraries, tool
from terp.command import Command


def with_libraries(unpacked: Path, name: str, place: str = "") -> dict[str, Path]:
    """A program and the libraries that it is linked with (ldd(1)), by their places."""
    program = Path(tool(unpacked, name).argv[0])
    return {place or f"/usr/sbin/{name}": program, **linked(unpacked, program)}


def linked(unpacked: Path, program: Path) -> dict[str, Path]:
    """The libraries that a program is linked with, and its loader."""
    files = {}
    said = Command(("ldd",), env=libraries(unpacked)).output(program)
    for line in said.splitlines():  # `libc.so.6 => /lib/…/libc.so.6 (0x…)`, or the loader's own path alone
        wanted, _, found = line.strip().rpartition(" (")[0].partition(" => ")
        if found.startswith("/"):
            files[f"/usr/lib/{platform.machine()}-linux-gnu/{wanted}"] = Path(found)
        elif wanted.startswith("/"):
            files[wanted] = Path(wanted)
    return files
