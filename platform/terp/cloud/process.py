"""Long-running processes that outlive the program that starts them, and are found again by the next one."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from terp.errors import TerpError
from terp.model import Model

MARK = "TERP_CLOUD_TAG"
"""Environment variable that tells whose process it is, also when its record is lost."""


class NotInTimeError(TerpError):
    """A bounded wait ended without what it waited for."""


def wait_for(what: str, test: Callable[[], object], timeout: float, every: float = 0.1) -> None:
    """Poll until `test` is true.

    Raises:
        NotInTimeError: it was not within `timeout` seconds.
    """
    end = time.monotonic() + timeout
    while not test():
        if time.monotonic() > end:
            raise NotInTimeError(f"{what}: not within {timeout:.0f} s")
        time.sleep(every)


def start_time(pid: int) -> int | None:
    """Kernel ticks at which a live process began (proc(5), stat field 22); None when dead or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def boot_id() -> str:
    """Changes with every boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class ProcessRecord(Model):
    """What identifies a running process beyond doubt, and what it was started from."""

    pid: int
    start: int
    boot: str
    fingerprint: str

    def alive(self) -> bool:
        """The very process still runs."""
        return self.boot == boot_id() and start_time(self.pid) == self.start


class Process:
    """One process by name: its record, its log, its life."""

    def __init__(self, record_file: Path, log_file: Path) -> None:
        self.record_file = record_file
        self.log_file = log_file

    def record(self) -> ProcessRecord | None:
        """Its record when it is alive."""
        try:
            record = ProcessRecord.model_validate_json(self.record_file.read_bytes())
        except (OSError, ValueError):
            return None
        return record if record.alive() else None

    def start(self, argv: list[str], env: Mapping[str, str], cwd: Path, fingerprint: str = "") -> int:
        """Start it in a session of its own; returns its pid."""
        with self.log_file.open("ab", 0) as log:
            started = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        record = ProcessRecord(
            pid=started.pid, start=start_time(started.pid) or 0, boot=boot_id(), fingerprint=fingerprint
        )
        new = self.record_file.with_suffix(".new")
        new.write_text(record.model_dump_json())
        new.replace(self.record_file)
        return started.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its group."""
        record = self.record()
        if record:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(record.pid, number)

    def log_end(self, lines: int = 15) -> str:
        """The last lines of its log."""
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""


def stop(processes: Iterable[Process], timeout: float = 20.0) -> None:
    """Ask all to end, wait together, kill what is left."""
    every = list(processes)
    for process in every:
        process.signal(signal.SIGTERM)
    end = time.monotonic() + timeout
    while any(process.record() for process in every) and time.monotonic() < end:
        time.sleep(0.05)
    for process in every:
        process.signal(signal.SIGKILL)
        process.record_file.unlink(missing_ok=True)


def marked(tag: str, logs: Path) -> list[int]:
    """Processes of the cloud with this tag and folder of logs, also those whose record is lost.

    They are known by their environment, and those that write their title over it by the log that they write.
    """
    mark = f"{MARK}={tag}".encode()
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit() and int(directory.name) != os.getpid():
            with contextlib.suppress(OSError):
                environment = (directory / "environ").read_bytes().split(b"\0")
                if mark in environment or (directory / "fd" / "1").readlink().is_relative_to(logs):
                    found.append(int(directory.name))
    return found


def kill_marked(tag: str, logs: Path, timeout: float = 10.0) -> None:
    """Kill what `marked` finds, until nothing is left.

    Raises:
        NotInTimeError: something survived.
    """

    def none_left() -> bool:
        left = marked(tag, logs)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    wait_for(f"processes of {tag} to end", none_left, timeout, 0.05)
