"""All hosts of one cloud together: ordered end, removal of every trace, recovery after a crash."""

import contextlib
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from terp.cloud.hosts import cgroups, loops, nspawn, sysctls
from terp.cloud.hosts.cgroups import Cgroup
from terp.cloud.hosts.host import Host, Settled
from terp.cloud.hosts.record import UUID
from terp.cloud.network.links import delete_namespace, namespaces
from terp.cloud.place import Place
from terp.cloud.process import wait_for
from terp.model import Model

MARKED = re.compile(rf"(?:^|\0){nspawn.MARK}=([^\0]*)")
"""The mark in the environment of a process."""
AT_ONCE = 8
"""Hosts that are stopped at the same time."""


class Reconciled(Model):
    """What `reconcile` found: ids of hosts that run, that had stopped, and half-made ones that it removed."""

    running: tuple[str, ...]
    stopped: tuple[str, ...]
    removed: tuple[str, ...]


def hosts(place: Place) -> list[Host]:
    """Every host, by id."""
    return [Host(place, name) for name in _folders(place) if Host(place, name).exists()]


def _folders(place: Place) -> list[str]:
    folder = place.path("hosts")
    if not folder.exists():
        return []
    return sorted(path.name for path in folder.iterdir() if re.match(UUID, path.name) and path.is_dir())


def stop_all(place: Place, timeout: float = 15.0) -> None:
    """Power off all hosts, pull the plug of what has not ended within `timeout` seconds, release all."""

    def end(host: Host) -> None:
        host.stop(timeout)
        host.release()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for ended in [threads.submit(end, host) for host in hosts(place)]:
            ended.result()


def reconcile(place: Place) -> Reconciled:
    """Make the kernel agree with the records after a crash, whatever it interrupted.

    Running hosts are left alone. Of stopped ones nothing stays but their disks; what was made or removed by
    half goes, and so does everything with the cloud's tag that no host owns. Others may go on working with
    hosts meanwhile.
    """
    found = {name: Host(place, name).settle() for name in _folders(place)}
    _remove_kernel_objects(place, keep={host.name for host in hosts(place)})

    def those(state: Settled) -> tuple[str, ...]:
        return tuple(name for name, each in found.items() if each == state)

    return Reconciled(running=those("running"), stopped=those("stopped"), removed=those("removed"))


def sweep(place: Place) -> None:
    """Remove everything of every host from the kernel, without a look at any record; disks stay.

    Raises:
        NotInTimeError: a process could not be killed, or a loop device is still in use.
        OSError: a control group is still in use.
    """
    _remove_kernel_objects(place, keep=set())
    loops.clear_under(place.root)
    sysctls.give_back(place.root)


def _remove_kernel_objects(place: Place, keep: set[str]) -> None:
    prefix = f"{place.tag}-"
    _kill_shims(prefix, keep)
    for name in cgroups.names(prefix) - keep:
        group = Cgroup(name)
        group.kill()
        group.remove()
    for name in nspawn.names_left_behind(prefix) - keep:
        nspawn.forget(name)
    for name in namespaces(place):
        if re.match(UUID, name.removeprefix(prefix)) and name not in keep:
            delete_namespace(name)


def _kill_shims(prefix: str, keep: set[str]) -> None:
    """Kill shims that are in no control group yet."""

    def none_left() -> bool:
        left = [pid for pid, name in _shims() if name.startswith(prefix) and name not in keep]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    wait_for(f"shims of {prefix}* to end", none_left, 10, 0.02)


def _shims() -> list[tuple[int, str]]:
    """Process id and host of every shim on the machine."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):  # ended meanwhile
                environment = (process / "environ").read_bytes()
                found += [
                    (int(process.name), name) for name in MARKED.findall(environment.decode(errors="replace"))
                ]
    return found
