"""How long the data plane takes to follow Neutron, by number of ports, and what its firewall lets through.

    sudo PYTHONPATH=platform:. scripts/python development benchmarks/network.py [ports ...]

Namespaces stand for servers; the snapshot is hand-made, so neither Neutron nor its API is measured.
"""

import logging
import os
import resource
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog
from rich.console import Console
from tests.integration.network.world import World, identity

from terp.cloud.network import kernel, links, sweep
from terp.cloud.network.model import AddressPair
from terp.cloud.packages import packages
from terp.cloud.place import Place
from terp.progress import progress_for

NETWORKS, ROUTERS = 5, 3
out = Console()


def measured(what: str, do: Callable[[], object]) -> None:
    """Print wall time, and processor time of this process and of the programs it ran."""
    wall, own = time.monotonic(), time.process_time()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    do()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    programs = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took = [time.monotonic() - wall, time.process_time() - own, programs]
    out.print(f"  {what:<32}" + "".join(f"{1000 * each:>9.0f} ms" for each in took))


def follow(place: Place, ports: int) -> None:
    """A cloud of this many ports, and small changes to it."""
    world = World(place)
    world.start()
    nets = [world.network(f"10.{n}.0.0/16", f"fd00:{n}::/64") for n in range(NETWORKS)]
    group, ssh = world.default_group(), world.group({"protocol": "tcp", "low": 22, "high": 22})

    def add(number: int) -> None:
        net, third, fourth = number % NETWORKS, number // NETWORKS // 250, number // NETWORKS % 250 + 4
        mac = world.mac()
        world.port(
            nets[net],
            f"10.{net}.{third}.{fourth}",
            f"fd00:{net}::{number + 16:x}",
            mac=mac,
            groups=(group, ssh) if number % 2 else (group,),
            pairs=(AddressPair(mac=mac, cidr="10.233.0.0/16"),),
            owner="compute:nova",
            name=f"server-{number}",
            device=identity(),
        )

    for number in range(ports):
        add(number)
    for number in range(ROUTERS):
        world.router(*nets[2 * number : 2 * number + 2], gateway=world.outer(10 + number))
    out.print(
        f"{ports} ports, {NETWORKS} networks, {ROUTERS} routers" + "wall     process    programs".rjust(40)
    )
    measured("everything, from nothing", world.follow)
    add(ports)
    measured("one more port", world.follow)
    world.allow(ssh, protocol="udp", low=53, high=53)
    measured("one more rule", world.follow)
    measured("nothing changed", world.follow)
    world.reconciler.audit_now()
    measured("comparison with the kernel", world.reconciler.keep)


def plug(place: Place, count: int) -> None:
    """Namespaces plugged into one network at once, as when a pool of servers boots."""
    network = identity()

    def one(number: int) -> None:
        name = f"{place.tag}-{number}"
        links.ensure_namespace(name)
        links.plug(
            place,
            port=identity(),
            mac=f"fa:16:3e:00:00:{number:02x}",
            network=network,
            mtu=1442,
            namespace=name,
            ifname="eth0",
        )

    with ThreadPoolExecutor(count) as pool:
        measured(f"{count} servers plugged at once", lambda: list(pool.map(one, range(count))))


def throughput(place: Place, seconds: float = 3) -> None:
    """One TCP stream from server to server, in one network and through a router."""
    world = World(place)
    world.start()
    one, two = world.network("10.1.0.0/24"), world.network("10.2.0.0/24")
    group = world.default_group()
    a, b, c = (
        world.server(net, address, groups=(group,))
        for net, address in ((one, "10.1.0.5"), (one, "10.1.0.6"), (two, "10.2.0.5"))
    )
    world.router(one, two)
    world.follow()
    for name, receiver in (("one network", b), ("through a router", c)):
        listener = receiver.socket(socket.SOCK_STREAM)
        listener.bind(("", 5001))
        listener.listen()
        client = a.socket(socket.SOCK_STREAM)
        client.connect((receiver.address, 5001))
        peer, _ = listener.accept()
        got = 0

        def drain(peer: socket.socket = peer) -> None:
            nonlocal got
            while chunk := peer.recv(1 << 20):
                got += len(chunk)

        reader = threading.Thread(target=drain)
        reader.start()
        start, block = time.monotonic(), b"x" * (1 << 20)
        while time.monotonic() - start < seconds:
            client.sendall(block)
        client.close()
        reader.join(10)
        out.print(f"  TCP, {name:<27}{got * 8 / (time.monotonic() - start) / 1e9:>9.1f} Gbit/s")
        for each in (peer, listener):
            each.close()


def main() -> None:
    """Measure on a machine of its own (a namespace), and leave nothing."""
    load = Path("/proc/loadavg").read_text().split()[0]
    out.print(f"{os.cpu_count()} processors, load {load}; wall, this process, programs")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder, progress_for(out, Path(folder, "timings.json")) as progress:
        debian = packages(progress)
        cases: list[Callable[[Place], None]] = [lambda place: plug(place, 20), throughput]
        cases += [
            lambda place, ports=int(ports): follow(place, ports) for ports in sys.argv[1:] or ("20", "100")
        ]
        for case in cases:
            place = Place(root=Path(folder), tag=f"t{secrets.token_hex(2)}", packages=debian)
            machine = f"machine-of-{place.tag}"
            links.ensure_namespace(machine)
            try:
                with kernel.entered(machine):
                    try:
                        case(place)
                    finally:
                        sweep(place)
            finally:
                links.delete_namespace(machine)


if __name__ == "__main__":
    main()
