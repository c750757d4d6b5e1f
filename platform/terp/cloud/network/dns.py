"""Names of servers: one dnsmasq in each router's namespace.

It knows the servers of the networks that the router joins, asks nobody else, and says at once that any other
name does not exist. A network without a router has a stand-in, which does only this.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from terp.cloud.network.links import inside, lives_in, tool
from terp.cloud.network.routing import RESOLVER
from terp.cloud.place import Place

ENTERED = 5.0
"""Seconds that a new resolver may take to enter its namespace."""


def hosts_file(place: Place, namespace: str) -> Path:
    """The file with the names that the resolver of a namespace serves."""
    return place.path("run", "names", namespace)


def argv(place: Place, namespace: str) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of the resolver of a namespace."""
    program = inside(namespace, tool(place, "dnsmasq"))
    return [
        *program.argv,
        "--conf-file=/dev/null",
        "--keep-in-foreground",
        "--log-facility=-",
        "--user=root",  # the names lie in the cloud's private directory
        "--group=root",
        "--pid-file=",
        "--bind-interfaces",
        f"--listen-address={RESOLVER}",
        "--no-resolv",
        "--no-poll",
        "--no-hosts",
        "--local=/#/",
        "--domain-needed",
        "--local-ttl=5",
        "--dns-forward-max=150",
        f"--addn-hosts={hosts_file(place, namespace)}",
    ], program.environment()


class Resolvers:
    """The resolvers of all routers. They outlive this process, and the next one finds them again."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._children: list[subprocess.Popen[bytes]] = []
        self._seen: dict[str, int] = {}

    def ensure(self, namespace: str, hosts: str) -> bool:
        """Let the resolver of a namespace run and know these names. Returns whether anything was changed."""
        self._children = [child for child in self._children if child.poll() is None]
        file = hosts_file(self._place, namespace)
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = not file.exists() or file.read_text() != hosts
        if fresh:
            new = file.with_suffix(".new")
            new.write_text(hosts)
            new.replace(file)
        running = self._running(namespace)
        for pid in running if fresh else ():
            os.kill(pid, signal.SIGHUP)
        if not running:
            arguments, environment = argv(self._place, namespace)
            child = subprocess.Popen(
                arguments, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
            )
            self._children.append(child)
            end = time.monotonic() + ENTERED
            while child.poll() is None and not lives_in(child.pid, namespace) and time.monotonic() < end:
                time.sleep(0.005)
        return fresh or not running

    def remove(self, namespace: str) -> None:
        """End the resolver of a namespace."""
        for pid in self.running(namespace):
            _kill(pid)
        hosts_file(self._place, namespace).unlink(missing_ok=True)

    def running(self, namespace: str) -> list[int]:
        """Resolvers that serve the names of a namespace, also from an earlier namespace that had its name."""
        return _with_argument(str(hosts_file(self._place, namespace)))

    def _running(self, namespace: str) -> list[int]:
        """The resolver in a namespace as it is now; those of earlier ones are ended."""
        pid = self._seen.get(namespace)
        if pid is not None and lives_in(pid, namespace):  # saves a look at every process
            return [pid]
        here = []
        for each in self.running(namespace):
            if lives_in(each, namespace):
                here.append(each)
                self._seen[namespace] = each
            else:
                _kill(each)
        return here


def sweep(place: Place) -> None:
    """End all resolvers of a cloud, whether or not their namespaces still have a name."""
    for pid in _with_argument(str(hosts_file(place, ""))):
        _kill(pid)


def _with_argument(hosts: str) -> list[int]:
    """Processes of dnsmasq that read a hosts file whose path begins so."""
    wanted, found = f"--addn-hosts={hosts}", []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):  # ended meanwhile
                arguments = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if any(argument.startswith(wanted) for argument in arguments):
                    found.append(int(process.name))
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
