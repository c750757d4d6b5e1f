"""The running half of a load balancer: a namespace on the VIP's network, with HAProxy in it."""

import ipaddress
import os
import signal
import socket
from pathlib import Path

from terp.cloud.balancer import haproxy
from terp.cloud.balancer.model import LoadBalancer
from terp.cloud.network import links
from terp.cloud.place import Place
from terp.cloud.process import MARK, Process, stop, wait_for
from terp.command import Command
from terp.model import Model

IFNAME = "vip"


class VipPort(Model):
    """What the namespace needs to know of the VIP's Neutron port."""

    id: str
    mac: str
    network: str
    mtu: int
    address: str
    cidr: str
    gateway: str | None


class Instance:
    """One load balancer on this machine; every method may be called again at any time."""

    def __init__(self, place: Place, balancer: str) -> None:
        self._place = place
        self.namespace = f"{place.tag}-lb-{balancer[:8]}"
        self._directory = place.path("balancers", balancer)
        self._socket = place.path("run", f"lb-{balancer[:8]}.sock")
        self._process = Process(self._directory / "haproxy.json", self._directory / "haproxy.log")

    def apply(self, balancer: LoadBalancer, port: VipPort) -> None:
        """Make the namespace, the VIP and the HAProxy that this description asks for."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._plug(port)
        wanted = haproxy.render(balancer, port.address, self._socket)
        record = self._process.record()
        if record and record.fingerprint == wanted:
            return
        file = self._directory / "haproxy.cfg"
        file.write_text(wanted)
        program = links.tool(self._place, "haproxy")
        links.inside(self.namespace, program).run("-c", "-q", "-f", file)
        stop([self._process], 5)
        if any(each.enabled for each in balancer.listeners):
            self._start(program, file, wanted)

    def _plug(self, port: VipPort) -> None:
        links.ensure_namespace(self.namespace)
        links.plug(
            self._place,
            port=port.id,
            mac=port.mac,
            network=port.network,
            mtu=port.mtu,
            namespace=self.namespace,
            ifname=IFNAME,
        )
        ip = Command(("ip", "-n", self.namespace), timeout=20)
        prefix = ipaddress.ip_network(port.cidr).prefixlen
        ip.run("link", "set", IFNAME, "up")
        ip.run("address", "replace", f"{port.address}/{prefix}", "dev", IFNAME)
        if port.gateway:
            ip.run("route", "replace", "default", "via", port.gateway)

    def _start(self, program: Command, file: Path, wanted: str) -> None:
        inside = links.inside(self.namespace, program)
        env = {**os.environ, **inside.env, MARK: self._place.tag}
        self._socket.unlink(missing_ok=True)
        self._process.start([*inside.argv, "-db", "-f", str(file)], env, self._place.root, wanted)
        wait_for("HAProxy's socket", self._socket.exists, 10, 0.05)

    def runs(self) -> bool:
        """HAProxy is alive."""
        return self._process.record() is not None

    def member_states(self) -> dict[str, str]:
        """Operating status of each member by id; empty while nothing runs."""
        if not self.runs():
            return {}
        with socket.socket(socket.AF_UNIX) as stats:
            stats.settimeout(5)
            stats.connect(str(self._socket))
            stats.sendall(b"show stat\n")
            answer = b"".join(iter(lambda: stats.recv(65_536), b""))
        return haproxy.member_states(answer.decode())

    def remove(self, port: str | None) -> None:
        """Leave nothing of it."""
        self._process.signal(signal.SIGKILL)
        if port:
            links.unplug(self._place, port)
        links.delete_namespace(self.namespace)
        self._socket.unlink(missing_ok=True)
        for file in self._directory.glob("*"):
            file.unlink()
        if self._directory.exists():
            self._directory.rmdir()
