"""Control groups of a host, the same on cgroup v1 (one tree per controller) and v2 (one tree).

Each host has two levels in every tree. The outer one, named after the host, carries the limits; the inner one
is the root that the host sees, so that root inside cannot lift them. The shim has a group beside the inner
one: a group of v2 that hands controllers on must not have processes of its own.
"""

import contextlib
import errno
import functools
import os
import signal
import time
from pathlib import Path

from terp.cloud.process import wait_for
from terp.model import Model

INNER = ("host", "shim")
"""Names that `shim` knows too."""
PERIOD = 100_000
"""Microseconds over which the CPU quota is spent."""
MIB = 1 << 20


class Hierarchy(Model):
    """One tree of control groups. `controllers` is empty for v1's named tree and for v2."""

    path: Path
    version: int
    controllers: frozenset[str] = frozenset()


class Limits(Model):
    """What a host may use: MiB (no swap), virtual CPUs, and the machine's CPUs that it runs on."""

    memory: int
    vcpus: int
    cpus: tuple[int, ...]


def hierarchies(mountinfo: str) -> tuple[Hierarchy, ...]:
    """The trees of a machine, from its /proc/self/mountinfo (proc_pid_mountinfo(5)); v2 last."""
    found: dict[tuple[int, str], Hierarchy] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        path = Path(before.split()[4])
        if kind == "cgroup2":
            found.setdefault((2, ""), Hierarchy(path=path, version=2))
        elif kind == "cgroup":
            known = frozenset(options.split(",")) - {"rw", "ro", "xattr", "clone_children", "noprefix"}
            controllers = frozenset(name for name in known if "=" not in name)
            found.setdefault(
                (1, ",".join(sorted(known))), Hierarchy(path=path, version=1, controllers=controllers)
            )
    return tuple(found[key] for key in sorted(found))


@functools.cache
def machine_hierarchies() -> tuple[Hierarchy, ...]:
    """The trees of this machine; they are mounted once, when it boots."""
    return hierarchies(Path("/proc/self/mountinfo").read_text())


def version() -> int:
    """2 when the machine has only the unified tree, else 1."""
    return min((tree.version for tree in machine_hierarchies()), default=2)


def cpus_of(host: str, vcpus: int, available: tuple[int, ...]) -> tuple[int, ...]:
    """The machine's CPUs for a host: as many as it has virtual ones, hosts spread evenly by their ids."""
    if vcpus >= len(available):
        return available
    first = int(host[:8], 16) % len(available)
    return tuple(sorted((available * 2)[first : first + vcpus]))


class Cgroup:
    """The control groups with one name."""

    def __init__(self, name: str, trees: tuple[Hierarchy, ...] | None = None) -> None:
        self.name = name
        self._trees = machine_hierarchies() if trees is None else trees

    def create(self, limits: Limits) -> None:
        """Make both levels and set the limits."""
        for tree in self._trees:
            outer = tree.path / self.name
            if tree.version == 2:
                _delegate(tree.path)
            outer.mkdir(exist_ok=True)
            if tree.version == 2:
                _delegate(outer)
                _limit_v2(outer, limits)
            else:
                _limit_v1(outer, tree.controllers, limits)
            for inner in INNER:
                (outer / inner).mkdir(exist_ok=True)

    def groups(self) -> list[Path]:
        """The outer group in each tree."""
        return [tree.path / self.name for tree in self._trees]

    def processes(self) -> set[int]:
        """Ids of all processes, those of containers in the host included."""
        found: set[int] = set()
        for tree in self._trees:
            for folder, _, _ in os.walk(tree.path / self.name):
                # A group may go while we look; a threaded group does not list its processes, its parent does.
                with contextlib.suppress(OSError):
                    found.update(map(int, Path(folder, "cgroup.procs").read_text().split()))
        return found - {0}

    def kill(self, timeout: float = 15.0) -> None:
        """Kill every process, until none is left.

        Raises:
            NotInTimeError: something survived.
        """

        def none_left() -> bool:
            left = self.processes()
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not left

        wait_for(f"processes of {self.name} to end", none_left, timeout, 0.02)

    def remove(self, timeout: float = 5.0) -> None:
        """Remove the groups; there must be no process left.

        Raises:
            OSError: one of them is still in use.
        """
        end = time.monotonic() + timeout
        for tree in self._trees:
            for folder, _, _ in os.walk(tree.path / self.name, topdown=False):
                _remove(Path(folder), end)

    def memory(self) -> int | None:
        """Bytes in use, page cache included; None when the host does not run."""
        return self._number("memory", "memory.usage_in_bytes", "memory.current")

    def cpu(self) -> float | None:
        """Seconds of CPU since the host was started; None when it does not run."""
        nanoseconds = self._number("cpuacct", "cpuacct.usage")
        if nanoseconds is not None:
            return nanoseconds / 1e9
        for tree in self._trees:
            with contextlib.suppress(FileNotFoundError):
                words = (tree.path / self.name / "cpu.stat").read_text().split()
                if "usage_usec" in words:
                    return int(words[words.index("usage_usec") + 1]) / 1e6
        return None

    def _number(self, controller: str, v1: str, v2: str = "") -> int | None:
        for tree in self._trees:
            name = v2 if tree.version == 2 else v1 if controller in tree.controllers else ""
            if name:
                with contextlib.suppress(FileNotFoundError):
                    return int((tree.path / self.name / name).read_text())
        return None


def names(prefix: str) -> set[str]:
    """Names of the control groups at the top of any tree that begin with `prefix`."""
    return {
        path.name for tree in machine_hierarchies() for path in tree.path.glob(f"{prefix}*") if path.is_dir()
    }


def _delegate(group: Path) -> None:
    """Let the groups below use every controller that this one has (cgroup v2)."""
    wanted = " ".join(f"+{name}" for name in (group / "cgroup.controllers").read_text().split())
    if not wanted:
        return
    control = group / "cgroup.subtree_control"
    try:
        control.write_text(wanted)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # In a container its processes are in the very group that it takes for the root of the tree.
        own = group / "init"
        own.mkdir(exist_ok=True)
        for pid in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                (own / "cgroup.procs").write_text(pid)
        control.write_text(wanted)


def _limit_v1(group: Path, controllers: frozenset[str], limits: Limits) -> None:
    if "memory" in controllers:
        memory = str(limits.memory * MIB)
        (group / "memory.limit_in_bytes").write_text(memory)
        if (group / "memory.memsw.limit_in_bytes").exists():
            (group / "memory.memsw.limit_in_bytes").write_text(memory)
    if "cpu" in controllers:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD))
        (group / "cpu.cfs_quota_us").write_text(str(PERIOD * limits.vcpus))
    if "cpuset" in controllers:
        # A group without CPUs and memory nodes takes no process; what is made below starts with these.
        (group / "cgroup.clone_children").write_text("1")
        (group / "cpuset.mems").write_text((group.parent / "cpuset.mems").read_text())
        (group / "cpuset.cpus").write_text(",".join(map(str, limits.cpus)))


def _limit_v2(group: Path, limits: Limits) -> None:
    values = {
        "memory.max": str(limits.memory * MIB),
        "memory.swap.max": "0",
        "cpu.max": f"{PERIOD * limits.vcpus} {PERIOD}",
        "cpuset.cpus": ",".join(map(str, limits.cpus)),
    }
    for name, value in values.items():
        # In the hybrid layout the controllers are in the trees of v1.
        if (group / name).exists():
            (group / name).write_text(value)


def _remove(group: Path, end: float) -> None:
    while True:
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            # The kernel lets go of a group a moment after its last process.
            if error.errno != errno.EBUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
