"""A hand-made cloud: what Neutron would say, and namespaces that are plugged like servers."""

import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network

from terp.cloud.network import kernel, links
from terp.cloud.network.model import (
    ROUTER_GATEWAY,
    AddressPair,
    FixedAddress,
    FloatingIP,
    Network,
    Port,
    Route,
    Router,
    Rule,
    SecurityGroup,
    Snapshot,
    Subnet,
)
from terp.cloud.network.reconcile import Outcome, Reconciler
from terp.cloud.network.routing import RESOLVER
from terp.cloud.place import Place

PATIENCE = 0.7
"""Seconds after which an unanswered attempt counts as refused."""


def identity() -> str:
    return str(uuid.uuid4())


class Server:
    """A namespace with one link: as much of a server as a packet sees."""

    def __init__(self, world: "World", port: Port) -> None:
        self.world = world
        self.port = port
        self.namespace = f"{world.place.tag}-s-{port.id[:8]}"

    @property
    def address(self) -> str:
        return next(each.address for each in self.port.addresses if ":" not in each.address)

    @property
    def address6(self) -> str:
        return next(each.address for each in self.port.addresses if ":" in each.address)

    def ip(self, *words: str) -> str:
        done = subprocess.run(
            ["ip", "-n", self.namespace, *words], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout

    def boot(self) -> None:
        world = self.world
        links.ensure_namespace(self.namespace)
        links.write_parameters(self.namespace, {"net/ipv4/ping_group_range": "0 0"})  # lets `pings` work
        links.plug(
            world.place,
            port=self.port.id,
            mac=self.port.mac,
            network=self.port.network,
            mtu=world.networks[self.port.network].mtu,
            namespace=self.namespace,
            ifname="eth0",
        )
        lines = []
        for each in self.port.addresses:
            subnet = world.subnets[each.subnet]
            length = ip_network(subnet.cidr).prefixlen
            lines.append(
                f"addr add {each.address}/{length} dev eth0 {'nodad' if ':' in each.address else ''}"
            )
        lines.append("link set eth0 up")
        for each in self.port.addresses:
            subnet = world.subnets[each.subnet]
            if subnet.gateway:
                kind = "::/0" if ":" in subnet.gateway else "0.0.0.0/0"
                lines.append(f"route add {kind} via {subnet.gateway} dev eth0")
        kernel.batch(self.namespace, lines)

    def socket(
        self, kind: socket.SocketKind, family: int = socket.AF_INET, protocol: int = 0
    ) -> socket.socket:
        with kernel.entered(self.namespace):
            made = socket.socket(family, kind, protocol)
        made.settimeout(PATIENCE)
        return made

    @contextmanager
    def serving(self, port: int = 80, address: str = "", family: int = 0) -> Iterator[list[str]]:
        """A TCP server that greets; gives the list of its clients' addresses."""
        family = family or (socket.AF_INET6 if ":" in address else socket.AF_INET)
        listener = self.socket(socket.SOCK_STREAM, family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(20)
        listener.settimeout(0.05)
        clients: list[str] = []
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    client, peer = listener.accept()
                except TimeoutError:
                    continue
                clients.append(peer[0])
                client.sendall(self.namespace.encode())
                client.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield clients
        finally:
            ended.set()
            thread.join(5)
            listener.close()

    @contextmanager
    def echoing(self, port: int) -> Iterator[list[bytes]]:
        """A TCP server that sends back what one client sends; gives what it got."""
        listener = self.socket(socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", port))
        listener.listen()
        got: list[bytes] = []
        ended = threading.Event()

        def serve() -> None:
            client, _ = listener.accept()
            client.settimeout(0.05)
            while not ended.is_set():
                try:
                    message = client.recv(100)
                except TimeoutError:
                    continue
                got.append(message)
                client.sendall(message)
            client.close()

        listener.settimeout(5)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield got
        finally:
            ended.set()
            thread.join(6)
            listener.close()

    @contextmanager
    def connected(self, address: str, port: int) -> Iterator["Client"]:
        with self.socket(socket.SOCK_STREAM) as wire:
            wire.connect((address, port))
            yield Client(wire)

    def reaches(self, address: str, port: int = 80, *, source: str = "", patience: float = PATIENCE) -> str:
        """The namespace of who answers over TCP; empty when nobody does."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.socket(socket.SOCK_STREAM, family) as client:
            client.settimeout(patience)
            if source:
                client.bind((source, 0))
            try:
                client.connect((address, port))
                return client.recv(100).decode()
            except OSError:
                return ""

    def reaches_port(self, address: str, port: int) -> bool:
        """A TCP connection is accepted."""
        with self.socket(socket.SOCK_STREAM) as client:
            return client.connect_ex((address, port)) == 0

    def can_reach(self, other: "Server", port: int = 80, address: str = "", *, source: str = "") -> bool:
        target = address or other.address
        with other.serving(port, family=socket.AF_INET6 if ":" in target else socket.AF_INET):
            return self.reaches(target, port, source=source) == other.namespace

    def send_frame(self, frame: bytes) -> None:
        """Send an Ethernet frame as it is, whatever the interface's own addresses are."""
        with kernel.entered(self.namespace), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.bind(("eth0", 0))
            wire.send(frame)

    @contextmanager
    def listening(self) -> Iterator[list[bytes]]:
        """Ethernet frames that arrive at the link, with their tags."""
        with kernel.entered(self.namespace):
            wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        wire.bind(("eth0", 3))
        wire.settimeout(0.05)
        frames: list[bytes] = []
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    frames.append(wire.recv(2000))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield frames
            time.sleep(0.2)
        finally:
            ended.set()
            thread.join(5)
            wire.close()

    def pings(self, address: str, patience: float = PATIENCE) -> bool:
        """ICMP echo."""
        six = ":" in address
        family, protocol = (
            (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
        )
        with self.socket(socket.SOCK_DGRAM, family, protocol) as wire:
            wire.settimeout(patience)
            try:
                wire.sendto(b"\x80\0\0\0\0\1\0\1" if six else b"\x08\0\0\0\0\1\0\1", (address, 0))
                wire.recv(100)
            except OSError:
                return False
            return True

    def looks_up(self, name: str, resolver: str = RESOLVER) -> list[str] | int:
        """IPv4 addresses of a name, or the error code (RFC 1035) of the answer."""
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        question = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"
        answer = b""
        for _ in range(3):  # as a resolver's client does: a question may come while dnsmasq starts
            with self.socket(socket.SOCK_DGRAM) as wire:
                try:
                    wire.sendto(question, (resolver, 53))
                    answer = wire.recv(512)
                    break
                except OSError:
                    continue
        assert answer, f"{resolver} does not answer"
        if code := answer[3] & 15:
            return code
        count, at, found = int.from_bytes(answer[6:8]), len(question), []
        for _ in range(count):
            length = int.from_bytes(answer[at + 10 : at + 12])
            found.append(socket.inet_ntoa(answer[at + 12 : at + 12 + length]))
            at += 12 + length
        return sorted(found)


class Outside(Server):
    """The machine itself, which has a leg in the external network."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.namespace = "the machine"

    def socket(
        self, kind: socket.SocketKind, family: int = socket.AF_INET, protocol: int = 0
    ) -> socket.socket:
        made = socket.socket(family, kind, protocol)
        made.settimeout(PATIENCE)
        return made


class Client:
    """One TCP connection that is kept."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire

    def answers(self, message: bytes, patience: float = PATIENCE) -> bool:
        """The other side sends the message back."""
        self.wire.settimeout(patience)
        try:
            self.wire.sendall(message)
            return self.wire.recv(100) == message
        except OSError:
            return False


class World:
    """Builds a snapshot, step by step, and lets a reconciler follow it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.reconciler = Reconciler(place)
        self.networks: dict[str, Network] = {}
        self.subnets: dict[str, Subnet] = {}
        self.ports: dict[str, Port] = {}
        self.groups: dict[str, SecurityGroup] = {}
        self.rules: list[Rule] = []
        self.routers: dict[str, Router] = {}
        self.floating: dict[str, FloatingIP] = {}
        self.address_groups: list[object] = []
        self.servers: list[Server] = []
        self._next_mac = 0
        self.external = self.network(place.external_cidr, external=True)

    def outer(self, number: int) -> str:
        """An address of the external network; the machine has the first."""
        return str(ip_network(self.place.external_cidr)[number])

    def snapshot(self) -> Snapshot:
        return Snapshot(
            networks=tuple(self.networks.values()),
            subnets=tuple(self.subnets.values()),
            ports=tuple(self.ports.values()),
            groups=tuple(self.groups.values()),
            rules=tuple(self.rules),
            routers=tuple(self.routers.values()),
            floating_ips=tuple(self.floating.values()),
            address_groups=tuple(self.address_groups),
        )

    def follow(self) -> Outcome:
        """Let the kernel follow what was said so far; any failure is the test's."""
        outcome = self.reconciler.follow(self.snapshot())
        assert outcome.failed == {}
        return outcome

    def start(self) -> None:
        assert self.reconciler.prepare().failed == {}
        self.follow()

    def network(self, *cidrs: str, external: bool = False, mtu: int = 1442, gateway: bool = True) -> Network:
        made = Network(id=identity(), mtu=mtu, external=external)
        self.networks[made.id] = made
        for cidr in cidrs:
            first = str(ip_network(cidr)[1]) if gateway else None
            subnet = Subnet(id=identity(), network=made.id, cidr=cidr, gateway=first)
            self.subnets[subnet.id] = subnet
        return made

    def mac(self) -> str:
        self._next_mac += 1
        return f"fa:16:3e:00:{self._next_mac >> 8:02x}:{self._next_mac & 255:02x}"

    def port(self, network: Network, *addresses: str, **more: object) -> Port:
        fixed = tuple(
            FixedAddress(
                address=address,
                subnet=next(
                    each.id
                    for each in self.subnets.values()
                    if each.network == network.id
                    and ip_network(address).version == ip_network(each.cidr).version
                    and int(ip_network(address)[0])
                    in range(int(ip_network(each.cidr)[0]), int(ip_network(each.cidr)[-1]) + 1)
                ),
            )
            for address in addresses
        )
        made = Port.model_validate(
            {"id": identity(), "network": network.id, "mac": self.mac(), "addresses": fixed, **more}
        )
        self.ports[made.id] = made
        return made

    def change(self, port: Port, **more: object) -> Port:
        changed = Port.model_validate({**port.model_dump(), **more})
        self.ports[port.id] = changed
        for server in self.servers:
            if server.port.id == port.id:
                server.port = changed
        return changed

    def server(
        self,
        network: Network,
        *addresses: str,
        groups: tuple[str, ...] = (),
        pairs: tuple[AddressPair, ...] = (),
        name: str = "",
        secured: bool = True,
        owner: str = "compute:nova",
    ) -> Server:
        port = self.port(
            network,
            *addresses,
            groups=groups,
            pairs=pairs,
            name=name,
            secured=secured,
            owner=owner,
            device=identity(),
        )
        made = Server(self, port)
        self.servers.append(made)
        made.boot()
        return made

    def group(self, *rules: dict[str, object], stateful: bool = True) -> str:
        made = SecurityGroup(id=identity(), stateful=stateful)
        self.groups[made.id] = made
        for rule in rules:
            self.allow(made.id, **rule)
        return made.id

    def default_group(self) -> str:
        """As Neutron makes it: everything out, everything in from the same group."""
        group = self.group()
        for ethertype in ("IPv4", "IPv6"):
            self.allow(group, direction="egress", ethertype=ethertype)
            self.allow(group, ethertype=ethertype, remote_group=group)
        return group

    def open_group(self) -> str:
        group = self.group()
        for ethertype in ("IPv4", "IPv6"):
            for direction in ("egress", "ingress"):
                self.allow(group, direction=direction, ethertype=ethertype)
        return group

    def allow(self, group: str, **rule: object) -> Rule:
        made = Rule.model_validate({"group": group, "direction": "ingress", "ethertype": "IPv4", **rule})
        self.rules.append(made)
        return made

    def router(
        self, *networks: Network, gateway: str = "", snat: bool = True, routes: tuple[Route, ...] = ()
    ) -> Router:
        made = Router(id=identity(), snat=snat, routes=routes)
        self.routers[made.id] = made
        for network in networks:
            self.interface(made, network)
        if gateway:
            self.port(self.external, gateway, device=made.id, owner=ROUTER_GATEWAY)
        return made

    def interface(self, router: Router, network: Network) -> None:
        for subnet in [each for each in self.subnets.values() if each.network == network.id and each.gateway]:
            assert subnet.gateway
            self.port(network, subnet.gateway, device=router.id, owner="network:router_interface")

    def float(self, router: Router, address: str, server: Server) -> None:
        self.floating[address] = FloatingIP(address=address, fixed_address=server.address, router=router.id)


def within(seconds: float, test: object) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if test():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False
