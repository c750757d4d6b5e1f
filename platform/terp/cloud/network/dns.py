"""Names of servers: one dnsmasq in each router's namespace.

It knows the servers of the networks that the router joins, asks nobody else, and says at once that any other
name does not exist. A network without a router has a stand-in, which does only this.
"""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from terp.cloud.network.links import inside, lives_in, processes, tool
from terp.cloud.network.routing import RESOLVER
from terp.cloud.place import Place


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
            self._children.append(
                subprocess.Popen(arguments, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
            )
        return fresh or not running

    def remove(self, namespace: str) -> None:
        """End the resolver of a namespace."""
        for pid in self.running(namespace):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        hosts_file(self._place, namespace).unlink(missing_ok=True)

    def _running(self, namespace: str) -> list[int]:
        """As `running`, without a look at every process when the one that was seen is still there."""
        pid = self._seen.get(namespace)
        if pid is not None and _name(pid) == "dnsmasq" and lives_in(pid, namespace):
            return [pid]
        found = self.running(namespace)
        self._seen = {name: pid for name, pid in self._seen.items() if name != namespace}
        if found:
            self._seen[namespace] = found[0]
        return found

    def running(self, namespace: str) -> list[int]:
        """Processes of the resolver of a namespace."""
        return [pid for pid in processes([namespace]) if _name(pid) == "dnsmasq"]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
