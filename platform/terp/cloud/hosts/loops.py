"""Loop devices: files as block devices (loop(4))."""

import contextlib
import errno
import fcntl
import os
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from terp.errors import TerpError

CONTROL = Path("/dev/loop-control")
BLOCKS = Path("/sys/block")
MAJOR = 7

CONFIGURE = 0x4C0A
CLEAR = 0x4C01
GET_FREE = 0x4C82

AUTOCLEAR = 4
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
    device, handle = _open(file, DIRECT_IO)
    os.close(handle)
    return device


@contextmanager
def attached(file: Path) -> Iterator[Path]:
    """A loop device that goes by itself: at the end of the block, or with the last mount of it."""
    device, handle = _open(file, DIRECT_IO | AUTOCLEAR)
    try:
        yield device
    finally:
        os.close(handle)


def detach(file: Path) -> None:
    """Take a file from its loop devices; one that is still mounted goes with its last mount."""
    for device in of(file):
        clear(device)


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


def _open(file: Path, flags: int) -> tuple[Path, int]:
    backing = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        for _ in range(TRIES):
            device = _free()
            handle = os.open(device, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(handle, CONFIGURE, _configuration(backing, flags, file))
            except OSError as error:
                os.close(handle)
                if error.errno != errno.EBUSY:
                    raise
                time.sleep(0.01)  # somebody else took it between the two calls
            else:
                return device, handle
    finally:
        os.close(backing)
    raise TerpError(f"no free loop device for {file}")


def _configuration(backing: int, flags: int, file: Path) -> bytes:
    name = os.fsencode(file)[:63]
    return _CONFIGURATION.pack(backing, 0, *(0,) * 5, 0, 0, 0, flags, name, b"", b"", 0, 0, *(0,) * 8)


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
