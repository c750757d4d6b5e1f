"""Loop devices: files as block devices (loop(4))."""

import contextlib
import errno
import fcntl
import os
import stat
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from terp.cloud.process import wait_for
from terp.errors import TerpError

CONTROL = Path("/dev/loop-control")
BLOCKS = Path("/sys/block")
MAJOR = 7

CONFIGURE = 0x4C0A
CLEAR = 0x4C01
GET_FREE = 0x4C82

DIRECT_IO = 16
"""Without it the kernel would cache each block twice."""

_CONFIGURATION = struct.Struct("=2I 5Q 4I 64s 64s 32s 2Q 8Q")
"""struct loop_config around its struct loop_info64."""
TRIES = 100


def attach(file: Path) -> Path:
    """The loop device of a file: the one that it has already, or a new one.

    Raises:
        OSError: the file cannot be opened, or the kernel has no loop devices.
        TerpError: none could be had in `TRIES` tries.
    """
    found = of(file)
    if found:
        return found[0]
    backing = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        for _ in range(TRIES):
            device = _free()
            if _configure(device, backing, file):
                return device
            time.sleep(0.01)  # somebody else took it between the two calls
    finally:
        os.close(backing)
    raise TerpError(f"no free loop device for {file}")


def detach(file: Path) -> None:
    """Take a file from its loop devices; one that is still mounted goes with its last mount."""
    for device in of(file):
        clear(device)


def clear_under(folder: Path, timeout: float = 15.0) -> None:
    """Free the loop devices of all files in a folder, whose users must be ending.

    Raises:
        NotInTimeError: one of them is still mounted.
    """
    for device in under(folder):
        clear(device)
    wait_for(f"loop devices of {folder} to go", lambda: not under(folder), timeout, 0.02)


def of(file: Path) -> list[Path]:
    """The loop devices of a file."""
    real = file.resolve()
    return [device for device, backing in _all() if backing == real]


def under(folder: Path) -> list[Path]:
    """The loop devices of the files in a folder."""
    real = folder.resolve()
    return [device for device, backing in _all() if real in backing.parents]


def number(device: Path) -> tuple[int, int]:
    """Major and minor number of a block device."""
    found = device.stat()
    return os.major(found.st_rdev), os.minor(found.st_rdev)


def _all() -> Iterator[tuple[Path, Path]]:
    for block in BLOCKS.glob("loop*"):
        with contextlib.suppress(OSError):  # not attached, or gone since
            backing = (block / "loop/backing_file").read_text().rstrip("\n").removesuffix(" (deleted)")
            yield Path("/dev") / block.name, Path(backing)


def _configure(device: Path, backing: int, file: Path) -> bool:
    """Whether the device was still free."""
    name = os.fsencode(file)[:63]
    asked = _CONFIGURATION.pack(backing, 0, *(0,) * 5, 0, 0, 0, DIRECT_IO, name, b"", b"", 0, 0, *(0,) * 8)
    handle = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(handle, CONFIGURE, asked)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    finally:
        os.close(handle)
    return True


def _free() -> Path:
    control = os.open(CONTROL, os.O_RDWR | os.O_CLOEXEC)
    try:
        minor: int = fcntl.ioctl(control, GET_FREE)
    finally:
        os.close(control)
    device = Path(f"/dev/loop{minor}")
    with contextlib.suppress(FileExistsError):  # /dev of a container does not follow the kernel
        os.mknod(device, stat.S_IFBLK | 0o600, os.makedev(MAJOR, minor))
    return device


def clear(device: Path) -> None:
    """Free a loop device; nothing happens when it is free."""
    handle = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(handle, CLEAR)
    except OSError as error:
        if error.errno != errno.ENXIO:  # has gone by itself
            raise
    finally:
        os.close(handle)
