"""Cinder driver: a volume is a sparse file in the state directory."""

import os
import shutil
from pathlib import Path
from typing import Any

from cinder import interface
from cinder.volume import driver

from terp.command import Command

GIB = 1 << 30
CAPACITY = 100_000
"""GiB that the pool claims to have; quotas, not the disk, are the limit that tests meet."""


@interface.volumedriver
class SparseFileDriver(driver.VolumeDriver):
    """Volumes and snapshots are files, which the host library attaches by loop device."""

    VERSION = "1.0"

    def do_setup(self, context: Any) -> None:
        """Find the directory of the volumes."""
        self._directory = Path(os.environ["TERP_CLOUD_ROOT"]) / "volumes"
        self._directory.mkdir(mode=0o700, exist_ok=True)

    def check_for_setup_error(self) -> None:
        """A directory cannot be set up wrongly."""

    def _file(self, volume: Any) -> Path:
        return self._directory / f"volume-{volume.id}"

    def _snapshot(self, snapshot: Any) -> Path:
        return self._directory / f"snapshot-{snapshot.id}"

    @staticmethod
    def _grow(file: Path, gigabytes: int) -> None:
        with file.open("ab") as out:
            out.truncate(gigabytes * GIB)

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        Command(("cp", "--sparse=always", "--reflink=auto"), timeout=600).run(source, target)

    def create_volume(self, volume: Any) -> None:
        """An empty sparse file."""
        self._grow(self._file(volume), volume.size)

    def delete_volume(self, volume: Any) -> None:
        """Remove the file; a missing one is gone already."""
        self._file(volume).unlink(missing_ok=True)

    def create_snapshot(self, snapshot: Any) -> None:
        """Copy what is written."""
        self._copy(self._file(snapshot.volume), self._snapshot(snapshot))

    def delete_snapshot(self, snapshot: Any) -> None:
        """Remove the copy."""
        self._snapshot(snapshot).unlink(missing_ok=True)

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None:
        """Copy back, perhaps into a larger volume."""
        self._copy(self._snapshot(snapshot), self._file(volume))
        self._grow(self._file(volume), volume.size)

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> None:
        """Copy a volume."""
        self._copy(self._file(src_vref), self._file(volume))
        self._grow(self._file(volume), volume.size)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        """Grow the file; a loop device is told by the host library."""
        self._grow(self._file(volume), new_size)

    def clone_image(
        self,
        context: Any,
        volume: Any,
        image_location: Any,
        image_meta: Any,
        image_service: Any,
    ) -> tuple[dict[str, Any], bool]:
        """A bootable volume is empty: it holds what a server changes over the base tree."""
        self._grow(self._file(volume), volume.size)
        return {}, True

    def copy_image_to_volume(self, *_: Any, **__: Any) -> None:
        """See `clone_image`."""

    def ensure_export(self, context: Any, volume: Any) -> None:
        """Local files need no export."""

    def create_export(self, context: Any, volume: Any, connector: Any) -> None:
        """Local files need no export."""

    def remove_export(self, context: Any, volume: Any) -> None:
        """Local files need no export."""

    def initialize_connection(self, volume: Any, connector: Any) -> dict[str, Any]:
        """Tell Nova which file it is."""
        data = {"volume_id": volume.id, "device_path": str(self._file(volume)), "access_mode": "rw"}
        return {"driver_volume_type": "local", "data": data}

    def terminate_connection(self, volume: Any, connector: Any, **_: Any) -> None:
        """The host library detaches."""

    def _update_volume_stats(self) -> None:
        free = shutil.disk_usage(self._directory).free // GIB
        self._stats = {
            "volume_backend_name": self.configuration.safe_get("volume_backend_name"),
            "vendor_name": "Terp",
            "driver_version": self.VERSION,
            "storage_protocol": "file",
            "pools": [
                {
                    "pool_name": "sparse",
                    "total_capacity_gb": CAPACITY,
                    "free_capacity_gb": CAPACITY if free else 0,
                    "allocated_capacity_gb": 0,
                    "provisioned_capacity_gb": 0,
                    "reserved_percentage": 0,
                    "max_over_subscription_ratio": 1000,
                    "thin_provisioning_support": True,
                    "multiattach": True,
                    "QoS_support": False,
                }
            ],
        }
