"""One host: its life, its volumes, its interfaces."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Literal

from terp.cloud.cached import discard
from terp.cloud.hosts import appearance, concessions, loops, nspawn, sysctls
from terp.cloud.hosts.cgroups import Cgroup, Limits, cpus_of
from terp.cloud.hosts.disk import Disk
from terp.cloud.hosts.lock import locked
from terp.cloud.hosts.nspawn import Machine
from terp.cloud.hosts.record import HostRecord, HostSpec, Nic, Volume, write
from terp.cloud.network.links import delete_namespace, ensure_namespace, plug, unplug
from terp.cloud.place import Place
from terp.cloud.process import NotInTimeError
from terp.errors import TerpError

HANDOVER = "handover"
"""Folder of a host that it sees, read-only, as `INSIDE`."""
INSIDE = "/run/terp"
CONFIG_DRIVE = "config_drive"
"""In the handover: where cloud-init in the image looks for it."""
Settled = Literal["running", "stopped", "removed"]

CONSOLE_LIMIT = 4 << 20
"""Bytes of console log above which a start begins a new one."""


class Host:
    """A host by its id. Every method may be called at any time, from any thread and any process.

    What changes a host holds its lock; `exists`, `running` and the figures do not.
    """

    def __init__(self, place: Place, host_id: str) -> None:
        self.place = place
        self.id = host_id
        self.name = f"{place.tag}-{host_id}"
        """Of its namespace, its control groups and its machine."""
        self.folder = place.path("hosts", host_id)
        self._lock_file = self.folder.with_name(f"{host_id}.lock")
        self._record_file = self.folder / "host.json"
        self._cgroup = Cgroup(self.name)
        self._machine = Machine(place, self.folder, self.name, self._cgroup)

    @classmethod
    def create(cls, place: Place, spec: HostSpec, seed: Mapping[str, bytes | str]) -> "Host":
        """Make a host that does not run yet. `seed` is its config drive: contents by path.

        Raises:
            TerpError: it exists already, or its root volume holds something else.
        """
        host = cls(place, spec.id)
        host.folder.parent.mkdir(mode=0o700, exist_ok=True)
        with locked(host._lock_file):
            if host.exists():
                raise TerpError(f"host {spec.id} exists already")
            host.folder.mkdir(mode=0o700, exist_ok=True)
            host._write(HostRecord.of(spec))
            host._disk().create(spec.disk)
            for path, data in seed.items():
                file = host.folder / HANDOVER / CONFIG_DRIVE / path
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                file.write_bytes(data if isinstance(data, bytes) else data.encode())
        return host

    def _locked(self) -> AbstractContextManager[None]:
        if not self.folder.exists():
            raise self._missing()
        return locked(self._lock_file)

    def _disk(self) -> Disk:
        return Disk(self.record().spec.root_volume or self.folder / "disk", self.place.packages)

    def record(self) -> HostRecord:
        """What is known of it.

        Raises:
            TerpError: there is no such host.
        """
        try:
            return HostRecord.model_validate_json(self._record_file.read_bytes())
        except FileNotFoundError:
            raise self._missing() from None

    def _missing(self) -> TerpError:
        return TerpError(f"there is no host {self.id}")

    def _write(self, record: HostRecord) -> None:
        write(self._record_file, record.model_dump_json(indent=1))

    def exists(self) -> bool:
        """It has been created and not destroyed."""
        return self._record_file.exists()

    # Life

    def start(self) -> None:
        """Boot it; nothing happens when it runs.

        Raises:
            TerpError: there is no such host, or something it needs could not be made.
        """
        with self._locked():
            if self.running():
                return
            record = self.record()
            self._clear_processes()
            sysctls.hold(self.place.root)
            self._plug_all(record)
            self._cgroup.create(_limits(record.spec))
            self._boot(record)

    def _plug_all(self, record: HostRecord) -> None:
        # A namespace of an earlier run still has that run's addresses and firewall.
        delete_namespace(self.name)
        ensure_namespace(self.name)
        for ifname, nic in record.nics.items():
            self._plug(nic, ifname)

    def _plug(self, nic: Nic, ifname: str) -> None:
        plug(
            self.place,
            port=nic.port,
            mac=nic.mac,
            network=nic.network,
            mtu=nic.mtu,
            namespace=self.name,
            ifname=ifname,
        )

    def _boot(self, record: HostRecord) -> None:
        spec, kernel = record.spec, concessions.kernel()
        handover = self.folder / HANDOVER
        handover.mkdir(exist_ok=True)
        handover.chmod(0o755)
        for name, text in {
            "kernel.json": kernel.model_dump_json(indent=1) + "\n",
            "meminfo": appearance.meminfo(spec.memory, Path("/proc/meminfo").read_text()),
            "cpuinfo": appearance.cpuinfo(spec.vcpus, Path("/proc/cpuinfo").read_text()),
        }.items():
            write(handover / name, text, mode=0o444)
        self._hand_over_volumes(record)
        binds = {INSIDE: handover}
        modules = concessions.modules(kernel, self.place.packages, self.folder.parent / ".modules")
        if modules:
            binds["/lib/modules"] = modules
        console = self.folder / "console.log"
        if console.exists() and console.stat().st_size > CONSOLE_LIMIT:
            console.unlink()
        self._machine.start(
            self._disk().attach(), spec.name, self.id.replace("-", ""), binds, kernel_log=kernel.log
        )

    def stop(self, timeout: float = 15.0) -> None:
        """Have it power off in order, and pull the plug when it has not within `timeout` seconds."""
        with self._locked():
            if timeout and self.running():
                # After that time the plug is what the caller wants.
                with suppress(NotInTimeError):
                    self._machine.power_off(timeout)
            self._clear_processes()

    def kill(self) -> None:
        """Pull the plug."""
        self.stop(0)

    def _clear_processes(self) -> None:
        self._machine.kill()
        self._cgroup.remove()
        nspawn.forget(self.name)

    def resize(self, *, memory: int, vcpus: int, disk: int) -> None:
        """Give a host that does not run another size: MiB, CPUs, GiB of a root disk that only grows.

        Raises:
            TerpError: there is no such host, or it runs.
        """
        with self._locked():
            if self.running():
                raise TerpError(f"host {self.id} runs: it cannot be resized")
            record = self.record()
            if not record.spec.root_volume:
                self._disk().grow(disk)
            size = {"memory": memory, "vcpus": vcpus, "disk": max(disk, record.spec.disk)}
            self._write(record.model_copy(update={"spec": record.spec.model_copy(update=size)}))

    def release(self) -> None:
        """Pull the plug and let go of everything in the kernel; its disk stays, for another start."""
        if self.folder.exists():
            with self._locked():
                self._release()

    def _release(self) -> None:
        self._clear_processes()
        if self.exists():
            record = self.record()
            if record.spec.root_volume:
                self._disk().detach()
            for volume in record.volumes.values():
                loops.detach(volume.file)
        loops.clear_under(self.folder)
        delete_namespace(self.name)

    def destroy(self) -> None:
        """Remove it and its disk; a root volume is left as it is. Nothing happens when it does not exist."""
        if not self.folder.exists():
            return
        with self._locked():
            self._remove()

    def _remove(self) -> None:
        self._release()
        # Without its record it is no host any more, whatever interrupts what follows.
        self._record_file.unlink(missing_ok=True)
        discard(self.folder)
        self._lock_file.unlink()

    def settle(self) -> Settled:
        """Bring what a crash interrupted to an end, and say what it came to.

        A host without a record was made or removed by half, and goes; one that does not run is released.
        """
        with locked(self._lock_file):
            if not self.exists():
                self._remove()
                return "removed"
            if self.running():
                return "running"
            self._release()
            return "stopped"

    # Volumes

    def attach(self, volume_id: str, file: Path, device: str) -> None:
        """Show a volume as a block device, now and after every boot.

        Raises:
            TerpError: there is no such host.
        """
        with self._locked():
            record = self.record().with_volume(volume_id, Volume(file=file, device=device))
            self._write(record)
            self._show_volumes(record)

    def detach(self, volume_id: str) -> None:
        """Take a volume away; file systems of it that are still mounted in the host are unmounted."""
        with self._locked():
            record = self.record()
            volume = record.volumes.get(volume_id)
            if volume is None:
                return
            left = record.without_volume(volume_id)
            self._write(left)
            self._show_volumes(left)
            loops.detach(volume.file)

    def _show_volumes(self, record: HostRecord) -> None:
        if self.running():
            self._hand_over_volumes(record)
            # A host that is about to boot reads them by itself.
            if self._machine.leader():
                self._machine.run_inside("/usr/lib/terp/volumes")

    def _hand_over_volumes(self, record: HostRecord) -> None:
        """Tell the host: device, major and minor number, name by which udev would link it."""
        lines = []
        for volume_id, volume in sorted(record.volumes.items()):
            major, minor = loops.number(loops.attach(volume.file))
            lines.append(f"{volume.device} {major} {minor} virtio-{volume_id[:20]}\n")
        write(self.folder / HANDOVER / "volumes", "".join(lines), mode=0o444)

    # Interfaces

    def plug(self, nic: Nic) -> None:
        """Add an interface, now and for every start; nothing in the host configures it by itself."""
        with self._locked():
            record, ifname = self.record().with_nic(nic)
            self._write(record)
            if self.running():
                self._plug(nic, ifname)

    def unplug(self, port: str) -> None:
        """Remove the interface of a port."""
        with self._locked():
            self._write(self.record().without_nic(port))
            unplug(self.place, port)

    # Figures

    def running(self) -> bool:
        """It is up, booting or shutting down."""
        return self._machine.running()

    def memory(self) -> int | None:
        """Bytes in use, page cache included; None when it does not run."""
        return self._cgroup.memory()

    def cpu(self) -> float | None:
        """Seconds of CPU since it was started; None when it does not run."""
        return self._cgroup.cpu()

    def console(self, size: int = CONSOLE_LIMIT) -> bytes:
        """The last `size` bytes of what it printed."""
        try:
            with (self.folder / "console.log").open("rb") as log:
                log.seek(max(0, log.seek(0, 2) - size))
                return log.read()
        except FileNotFoundError:
            return b""


def _limits(spec: HostSpec) -> Limits:
    available = _cpus(Path("/sys/devices/system/cpu/online").read_text())
    return Limits(memory=spec.memory, vcpus=spec.vcpus, cpus=cpus_of(spec.id, spec.vcpus, available))


def _cpus(text: str) -> tuple[int, ...]:
    """Numbers of a list like `0-3,8`."""
    numbers: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return tuple(numbers)
