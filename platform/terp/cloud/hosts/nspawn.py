"""The machine of a host: one systemd-nspawn under one small shim process, in a session of its own."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from terp.cloud.hosts.cgroups import Cgroup
from terp.cloud.hosts.disk import LAYERS, ROOT
from terp.cloud.hosts.record import write
from terp.cloud.packages import tool
from terp.cloud.place import Place
from terp.cloud.process import ProcessRecord, boot_id, start_time, wait_for
from terp.errors import TerpError

SHIM = Path(__file__).with_name("shim")
MARK = "TERP_HOST"
"""Environment variable of the shim with the name of its host: finds one that is in no control group yet."""
LEFT_BEHIND = tuple(Path("/run/systemd/nspawn") / kind for kind in ("propagate", "unix-export"))
"""Where nspawn makes a folder for each machine and does not always remove it."""

ALLOWED_CALLS = "@keyring @mount bpf perf_event_open open_by_handle_at name_to_handle_at userfaultfd"
"""System calls that container engines make; nspawn would refuse them."""
REFUSED = "CAP_SYS_TIME,CAP_SYS_MODULE"
"""The clock and the modules are the machine's."""
POWER_OFF = signal.SIGRTMIN + 4
"""Asks systemd to power off (systemd(1), "Signals")."""
NAME_LIMIT = 64
SAID = 500
"""Characters of the console that an error repeats."""


class Machine:
    """The processes of one host."""

    def __init__(self, place: Place, folder: Path, name: str, cgroup: Cgroup) -> None:
        self._place = place
        self._folder = folder
        self._name = name
        self._cgroup = cgroup
        self._record_file = folder / "process.json"

    def start(
        self, device: Path, host_name: str, machine_id: str, binds: Mapping[str, Path], *, kernel_log: bool
    ) -> None:
        """Start it from the root disk `device`; `binds` are shown read-only at their places in the host.

        Raises:
            TerpError: it ended before it began, for instance because its disk is damaged.
        """
        nspawn = tool(self._place.packages, "systemd-nspawn")
        settings = {
            **nspawn.env,
            # By a read-only /sys systemd, networkd and cloud-init know that there is no udev to wait for.
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "no",
            # There is nothing to lock: no other program starts a machine from this root.
            "SYSTEMD_NSPAWN_LOCK": "no",
            "SYSTEMD_NSPAWN_TMPFS_TMP": "no",
        }
        argv = [
            *("nsenter", f"--net=/run/netns/{self._name}"),
            *nspawn.argv,
            *(
                "--quiet",
                "--settings=no",
                "--register=no",
                "--keep-unit",
                "--boot",
                f"--directory={self._folder / ROOT}",
            ),
            *(f"--machine={self._name}", f"--hostname={host_name[:NAME_LIMIT]}", f"--uuid={machine_id}"),
            *("--console=read-only", "--link-journal=no", "--resolv-conf=off", "--timezone=off"),
            *("--capability=all", f"--drop-capability={REFUSED}", f"--system-call-filter={ALLOWED_CALLS}"),
            *(["--bind=/dev/kmsg"] if kernel_log else []),
            *(f"--bind-ro={_quoted(path)}:{where}" for where, path in binds.items()),
        ]
        (self._folder / "exit").unlink(missing_ok=True)
        for mount_point in (LAYERS, ROOT):
            (self._folder / mount_point).mkdir(exist_ok=True)
        shim = [SHIM, self._folder, device, self._place.image, *self._cgroup.groups(), "--"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", MARK: self._name, **settings}
        self._spawn([*map(str, shim), *argv], environment)
        # What the shim does before it enters the control groups is what can fail.
        wait_for(f"{self._name} to begin", lambda: self._cgroup.processes() or not self.running(), 60, 0.02)
        if not self.running():
            said = (self._folder / "console.log").read_text(errors="replace").strip()
            raise TerpError(f"host {self._name} did not start", hint=said[-SAID:])

    def _spawn(self, argv: list[str], environment: Mapping[str, str]) -> None:
        """Start a process that is nobody's child, so that nobody has to wait for it."""
        # What is unmounted on the machine must not live on in the copies of its mounts.
        script = 'setsid unshare --mount --propagation slave "$@" </dev/null >>"$CONSOLE" 2>&1 & echo $!'
        done = subprocess.run(
            ["sh", "-c", script, "start", *argv],
            env={**environment, "CONSOLE": str(self._folder / "console.log")},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        pid = int(done.stdout)
        record = ProcessRecord(pid=pid, start=start_time(pid) or 0, boot=boot_id(), fingerprint="")
        write(self._record_file, record.model_dump_json())

    def _shim(self) -> int | None:
        try:
            record = ProcessRecord.model_validate_json(self._record_file.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return record.pid if record.alive() else None

    def running(self) -> bool:
        """The shim lives, and with it the machine."""
        return self._shim() is not None

    def kill(self) -> None:
        """Kill everything, until nothing is left.

        Raises:
            NotInTimeError: something survived.
        """
        shim = self._shim()  # may be in no control group yet
        if shim:
            with contextlib.suppress(ProcessLookupError):
                os.kill(shim, signal.SIGKILL)
            wait_for(f"the shim of {self._name} to end", lambda: not self.running(), 10, 0.02)
        self._cgroup.kill()

    def leader(self) -> int | None:
        """The machine's PID 1 as seen from outside, once it is systemd; None before and after."""
        for pid in sorted(self._cgroup.processes()):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            levels = fields.get("NSpid", "").split()
            if len(levels) == 2 and levels[1] == "1" and fields["Name"] == "systemd":
                return pid
        return None

    def power_off(self, timeout: float) -> None:
        """Have systemd stop everything in order and end.

        Raises:
            NotInTimeError: it still runs after `timeout` seconds.
        """
        asked: set[int] = set()

        def ended() -> bool:
            leader = self.leader()  # none yet when it has only just been started
            if leader and leader not in asked:
                asked.add(leader)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(leader, POWER_OFF)
            return not self.running()

        wait_for(f"{self._name} to power off", ended, timeout, 0.05)

    def run_inside(self, *argv: str) -> None:
        """Run a program of the host among its files and processes, with root's rights.

        Raises:
            TerpError: the host does not run.
            CommandError: it failed.
        """
        leader = self.leader()
        if leader is None:
            raise TerpError(f"host {self._name} does not run")
        enter = ("nsenter", f"--target={leader}", "--mount", "--pid", "--root", "--wd", "--")
        tool(self._place.packages, enter[0]).run(*enter[1:], *argv)


def forget(name: str) -> None:
    """Remove what nspawn leaves behind of a machine that does not run."""
    for folder in LEFT_BEHIND:
        if (folder / name).is_dir():
            (folder / name).rmdir()


def names_left_behind(prefix: str) -> set[str]:
    """Machines of which nspawn has left something behind."""
    return {path.name for folder in LEFT_BEHIND for path in folder.glob(f"{prefix}*")}


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace(":", "\\:")
