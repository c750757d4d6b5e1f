"""The root disk of a host: an ext4 file system in a sparse file, or on a volume.

Its `upper` and `work` are the host's layer over the read-only base tree (overlayfs). Its `var` is the host's
/var: container engines and etcd keep their data there, and overlayfs cannot lie on overlayfs.

The shim mounts it, in a mount namespace of its own: were it mounted on the machine, every host started
meanwhile would keep a copy of that mount, and with it the disk, for as long as it runs.
"""

from pathlib import Path

from terp.cloud.hosts import loops
from terp.cloud.packages import tool
from terp.cloud.process import wait_for
from terp.errors import TerpError

GIB = 1 << 30
FILE_SYSTEM = "ext4"
LAYERS = "layers"
"""In the folder of a host: where the shim mounts its disk."""
ROOT = "root"
"""In the folder of a host: where the shim mounts the base tree with the host's layer."""


class Disk:
    """The root disk in one file."""

    def __init__(self, file: Path, packages: Path) -> None:
        self.file = file
        self._packages = packages

    def create(self, size: int) -> None:
        """Make the file, of `size` GiB, and its file system, unless they are there.

        Raises:
            TerpError: it holds something else.
        """
        if not self.file.exists():
            with self.file.open("wb") as out:
                out.truncate(size * GIB)
        blkid = tool(self._packages, "blkid")
        found = blkid.run("--probe", "--match-tag", "TYPE", "--output", "value", self.file, check=False)
        kind = found.stdout.strip()
        if not kind:
            options = ("-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1")
            tool(self._packages, "mkfs.ext4").run(*options, self.file)
        elif kind != FILE_SYSTEM:
            raise TerpError(f"the volume {self.file.name} holds {kind}, not a root disk")

    def grow(self, size: int) -> None:
        """Make it `size` GiB with its file system, unless it is as large. The host must not run."""
        if self.file.stat().st_size >= size * GIB:
            return
        with self.file.open("r+b") as out:
            out.truncate(size * GIB)
        # The exit code says that something was mended; what could not be, resize2fs refuses.
        tool(self._packages, "e2fsck").run("-f", "-p", self.file, check=False)
        tool(self._packages, "resize2fs").run(self.file)

    def attach(self) -> Path:
        """A fresh block device of it, for the shim to mount."""
        self.detach()
        return loops.attach(self.file)

    def detach(self, timeout: float = 15.0) -> None:
        """Wait for the last use of it to end. The host must not run.

        Raises:
            NotInTimeError: something still has it mounted.
        """
        loops.detach(self.file)
        wait_for(f"{self.file} to be unmounted", lambda: not loops.of(self.file), timeout, 0.02)
