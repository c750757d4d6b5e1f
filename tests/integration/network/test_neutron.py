"""The process follows the real Neutron: its API, its database, its death and return."""

import logging
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from openstack.connection import Connection

from terp.cloud.network import kernel, links, sweep
from terp.cloud.network.model import AddressPair, FixedAddress, Network, Port, Subnet
from terp.cloud.place import Place
from terp.cloud.process import wait_for
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.network.world import Outside, Server, World, within

pytestmark = [pytest.mark.hosts, pytest.mark.cloud]

log = logging.getLogger(__name__)


@dataclass
class Followed:
    """A cloud of records with a real network: the data plane runs, and ports are plugged."""

    cloud: EmbeddedCloud
    place: Place
    machine: str
    process: subprocess.Popen[bytes]
    world: World

    def start(self) -> None:
        """Run the data plane in the namespace that stands for the machine."""
        ground = self.cloud.state.ground
        arguments = [str(ground.python), "-m", "terp.cloud.network", str(self.cloud.state.root)]
        self.process = subprocess.Popen(
            ["nsenter", f"--net={links.NAMESPACES / self.machine}", *arguments], env=self.cloud.env
        )

    def server(self, api: Connection, network: str, **more: object) -> Server:
        """A port of Neutron's, plugged."""
        made = api.network.create_port(network_id=network, **more)
        net = api.network.get_network(network)
        self.world.networks[network] = Network(id=network, mtu=net.mtu)
        for each in made.fixed_ips:
            subnet = api.network.get_subnet(each["subnet_id"])
            self.world.subnets[subnet.id] = Subnet(
                id=subnet.id, network=network, cidr=subnet.cidr, gateway=subnet.gateway_ip
            )
        port = Port(
            id=made.id,
            network=network,
            mac=made.mac_address,
            addresses=tuple(
                FixedAddress(address=each["ip_address"], subnet=each["subnet_id"]) for each in made.fixed_ips
            ),
            pairs=tuple(
                AddressPair(mac=each.get("mac_address", made.mac_address), cidr=each["ip_address"])
                for each in made.allowed_address_pairs
            ),
        )
        server = Server(self.world, port)
        server.boot()
        return server


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    cloud = EmbeddedCloud(tmp_path_factory.mktemp("followed"), hosts=False)
    cloud.up()
    place = cloud.state.ground.place
    machine = f"machine-of-{place.tag}"
    links.ensure_namespace(machine)
    made = Followed(cloud, place, machine, None, World(place))  # type: ignore[arg-type]
    made.start()
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait(10)
        with kernel.entered(machine):
            sweep(place)
        links.delete_namespace(machine)
        cloud.terp("reset", "--yes")


@pytest.fixture(scope="module")
def api(followed: Followed) -> Connection:
    return followed.cloud.connect()


@dataclass
class Built:
    network: str
    router: str
    group: str
    a: Server
    b: Server
    fip: str


@pytest.fixture(scope="module")
def built(followed: Followed, api: Connection) -> Built:
    """A network with an external router, two servers with names, a floating IP for the first."""
    network = api.network.create_network(name="net")
    subnet = api.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.7.0.0/24")
    public = next(iter(api.network.networks(is_router_external=True)))
    router = api.network.create_router(name="router", external_gateway_info={"network_id": public.id})
    api.network.add_interface_to_router(router, subnet=subnet.id)
    group = api.network.create_security_group(name="group")
    a = followed.server(api, network.id, security_groups=[group.id], dns_name="alpha")
    b = followed.server(api, network.id, security_groups=[group.id], dns_name="beta")
    fip = api.network.create_ip(floating_network_id=public.id, port_id=a.port.id)
    return Built(network.id, router.id, group.id, a, b, fip.floating_ip_address)


def seconds_until(test: object, limit: float = 10) -> float:
    start = time.monotonic()
    while not test():  # type: ignore[operator]
        assert time.monotonic() - start < limit
        time.sleep(0.02)
    return time.monotonic() - start


def test_a_rule_opens_and_closes_a_port(built: Built, api: Connection) -> None:
    with built.a.serving(8080):
        assert not built.b.reaches(built.a.address, 8080)
        rule = api.network.create_security_group_rule(
            security_group_id=built.group,
            direction="ingress",
            protocol="tcp",
            port_range_min=8080,
            port_range_max=8080,
            remote_group_id=built.group,
        )
        opened = seconds_until(lambda: built.b.reaches(built.a.address, 8080, patience=0.1))
        api.network.delete_security_group_rule(rule)
        closed = seconds_until(lambda: not built.b.reaches(built.a.address, 8080, patience=0.1))
    log.warning("rule effective after %.2f s, gone after %.2f s", opened, closed)


def test_the_floating_ip_leads_to_its_server(built: Built, api: Connection, followed: Followed) -> None:
    api.network.create_security_group_rule(
        security_group_id=built.group,
        direction="ingress",
        protocol="tcp",
        port_range_min=80,
        port_range_max=80,
    )
    with kernel.entered(followed.machine), built.a.serving(80):
        outside = Outside(followed.world)
        assert within(5, lambda: outside.reaches(built.fip, patience=0.2) == built.a.namespace)


def test_names_of_ports_are_known(built: Built) -> None:
    assert within(5, lambda: built.a.looks_up("beta.openstacklocal") == [built.b.address])


def test_the_name_of_a_server_reaches_its_port(built: Built, api: Connection) -> None:
    image, flavor = next(iter(api.image.images())), api.compute.find_flavor("m1.tiny")
    server = api.compute.create_server(
        name="Gamma Server", image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": built.network}]
    )
    server = api.compute.wait_for_server(server, wait=120)
    (address,) = [each["addr"] for each in server.addresses["net"]]
    assert within(5, lambda: built.a.looks_up("gamma-server") == [address])
    api.compute.delete_server(server)
    api.compute.wait_for_delete(server, wait=60)
    assert within(5, lambda: built.a.looks_up("gamma-server") == 3)


def test_an_address_pair_is_honoured_once_neutron_knows_it(built: Built, api: Connection) -> None:
    built.b.ip("addr", "add", "10.7.0.200/24", "dev", "eth0")
    with built.a.serving(80):
        assert not built.b.reaches(built.a.address, source="10.7.0.200")
        api.network.update_port(built.b.port.id, allowed_address_pairs=[{"ip_address": "10.7.0.200"}])
        took = seconds_until(lambda: built.b.reaches(built.a.address, source="10.7.0.200", patience=0.2))
    log.warning("address pair effective after %.2f s", took)


def test_an_address_group_is_followed(built: Built, api: Connection) -> None:
    group = api.network.create_address_group(name="addresses", addresses=["10.7.0.99/32"])
    api.network.create_security_group_rule(
        security_group_id=built.group,
        direction="ingress",
        protocol="tcp",
        port_range_min=8081,
        port_range_max=8081,
        remote_address_group_id=group.id,
    )
    with built.a.serving(8081):
        assert not built.b.reaches(built.a.address, 8081)
        api.network.add_addresses_to_address_group(group, [f"{built.b.address}/32"])
        assert within(5, lambda: built.b.reaches(built.a.address, 8081, patience=0.2))


def test_killed_and_started_again_it_goes_on(built: Built, api: Connection, followed: Followed) -> None:
    followed.process.send_signal(signal.SIGKILL)
    followed.process.wait(10)
    with built.a.serving(80):
        assert built.b.reaches(built.a.address)  # the kernel goes on by itself
        rule = api.network.create_security_group_rule(
            security_group_id=built.group,
            direction="ingress",
            protocol="tcp",
            port_range_min=82,
            port_range_max=82,
        )
    followed.start()
    with built.a.serving(82):
        assert within(10, lambda: built.b.reaches(built.a.address, 82, patience=0.2))
    api.network.delete_security_group_rule(rule)


def test_sigterm_ends_it_at_once(followed: Followed) -> None:
    start = time.monotonic()
    followed.process.terminate()
    followed.process.wait(10)
    log.warning("ended %.2f s after SIGTERM", time.monotonic() - start)
    followed.start()


def test_it_survives_the_database(built: Built, api: Connection, followed: Followed) -> None:
    record = followed.cloud.state.process("mariadb").record()
    assert record
    os.kill(record.pid, signal.SIGKILL)
    router = next(name for name in links.namespaces(followed.place) if "-r-" in name)
    links.delete_namespace(router)
    assert within(10, lambda: links.exists(router))  # repairs go on while the database is away
    followed.cloud.healthy_again()
    wait_for("Neutron", lambda: list(api.network.networks()), 60)
    api.network.create_security_group_rule(
        security_group_id=built.group,
        direction="ingress",
        protocol="tcp",
        port_range_min=83,
        port_range_max=83,
    )
    with built.a.serving(83):
        assert within(10, lambda: built.b.reaches(built.a.address, 83, patience=0.2))
    assert followed.process.poll() is None


def test_what_is_deleted_disappears(followed: Followed, api: Connection) -> None:
    network = api.network.create_network(name=f"short-{uuid.uuid4().hex[:6]}")
    fabric = links.fabric(followed.place)
    assert within(5, lambda: links.links(fabric, links.bridge(network.id)))
    api.network.delete_network(network)
    assert within(5, lambda: not links.links(fabric, links.bridge(network.id)))
