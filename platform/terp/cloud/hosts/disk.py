"""The root disk of a host: an ext4 file system in a sparse file, over the read-only base tree.

`upper` and `work` are the host's layer over the base tree (overlayfs). /var is a directory of the disk
itself: container engines and etcd keep their data there, and overlayfs cannot lie on overlayfs.
"""

import shutil
from pathlib import Path

from terp.cloud.cached import mounts_under
from terp.cloud.hosts import loops
from terp.cloud.packages import tool
from terp.cloud.place import Place
from terp.command import Command
from terp.errors import TerpError

GIB = 1 << 30
FILE_SYSTEM = "ext4"
MOUNT = "discard,noatime,noinit_itable"
"""What is deleted in the host is free again on the machine; nothing is written ahead."""


class Disk:
    """The root disk of one host, and where it is mounted while the host runs."""

    def __init__(self, place: Place, folder: Path, name: str, volume: Path | None) -> None:
        self._place = place
        self._name = name
        self.file = volume or folder / "disk"
        self._layers = folder / "layers"
        self.root = folder / "root"
        self.var = self._layers / "var"

    def create(self, size: int) -> None:
        """Make the disk, of `size` GiB, unless it is there (a volume brings its own)."""
        if not self.file.exists():
            with self.file.open("wb") as out:
                out.truncate(size * GIB)
        self._format()

    def _format(self) -> None:
        packages = self._place.packages
        found = tool(packages, "blkid").run(
            "--probe", "--match-tag", "TYPE", "--output", "value", self.file, check=False
        )
        kind = found.stdout.strip()
        if not kind:
            tool(packages, "mkfs.ext4").run(
                "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", self.file
            )
        elif kind != FILE_SYSTEM:
            raise TerpError(f"the volume {self.file.name} holds {kind}, not a root disk")

    def mount(self) -> None:
        """Mount the disk and the root of the host over it.

        Raises:
            CommandError: the kernel refused; the disk may be damaged.
        """
        if self._place.image is None:
            raise TerpError("this cloud was made without hosts")
        for folder in (self._layers, self.root):
            folder.mkdir(exist_ok=True)
        mounted = mounts_under(self._layers)
        if not mounted:
            with loops.attached(self.file) as device:
                Command(("mount", "-t", FILE_SYSTEM, "-o", MOUNT)).run(device, self._layers)
        upper, work = self._layers / "upper", self._layers / "work"
        for folder in (upper, work):
            folder.mkdir(exist_ok=True)
        self._populate_var(self._place.image / "var")
        if not mounts_under(self.root):
            options = f"lowerdir={self._place.image},upperdir={upper},workdir={work}"
            Command(("mount", "-t", "overlay", "-o", options)).run(self._name, self.root)

    def _populate_var(self, source: Path) -> None:
        if self.var.exists():
            return
        new = self.var.with_name("var.new")
        shutil.rmtree(new, ignore_errors=True)
        Command(("cp", "--archive")).run(source, new)
        new.rename(self.var)

    def unmount(self) -> None:
        """Unmount both; what still uses them keeps them until its end."""
        for folder in (self.root, self._layers):
            for point in reversed(mounts_under(folder)):
                if Command(("umount",)).run(point, check=False).returncode:
                    Command(("umount", "--lazy")).run(point)

    def write(self, path: str, data: bytes | str, mode: int = 0o600) -> None:
        """Write a file below /var of the host, which must be mounted."""
        file = self.var / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else data.encode())
        file.chmod(mode)
