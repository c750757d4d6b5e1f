"""Proof that a cloud works: one server is made as a member would, reached over SSH, and deleted again."""

import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import openstack
from openstack.config import OpenStackConfig
from openstack.connection import Connection

from terp.cloud.process import wait_for
from terp.cloud.seed import CLOUD
from terp.cloud.state import State
from terp.command import Command, CommandError
from terp.errors import TerpError
from terp.progress import Progress

FLAVOR = "m1.tiny"
CIDR = "10.0.0.0/24"
BOOT = 120.0
"""Seconds that the server may take to become ACTIVE, and again to answer SSH."""
HOST_KEY = re.compile(r"^(ssh-ed25519 \S+)", re.MULTILINE)


def member_of(state: State) -> Connection:
    """A connection with the member's application credential in `clouds.yaml`."""
    file = state.path("clouds.yaml")
    config = OpenStackConfig(config_files=[str(file)], secure_files=[], vendor_files=[], load_envvars=False)
    return openstack.connection.Connection(config=config.get_one(CLOUD), api_timeout=60)


def prove(state: State, progress: Progress) -> None:
    """Make a server, reach it if it is a real host, and leave nothing of it.

    Raises:
        TerpError: it did not become ACTIVE, or did not answer, in time.
    """
    member = member_of(state)
    name = f"proof-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory() as directory, ExitStack() as cleanup:
        key = Path(directory) / "key"
        Command(("ssh-keygen", "-q", "-t", "ed25519", "-N", ""), timeout=30).run("-f", key)
        with progress.task("proof: network", expected=3):
            port, address = cleanup.enter_context(_network(state, member, name))
        with progress.task("proof: server", expected=4):
            server = cleanup.enter_context(_server(member, name, key, port))
        if state.ground.hosts:
            with progress.task("proof: SSH", expected=8):
                host_key = _host_key(member, server)
                said = _ssh(Path(directory), key, member, address, host_key)
                if said != name:
                    raise TerpError(f"the server calls itself {said!r}, not {name!r}")
        with progress.task("proof: delete", expected=4):
            cleanup.close()


@contextmanager
def _network(state: State, member: Connection, name: str) -> Iterator[tuple[Any, str]]:
    """A network behind a router, a port that lets SSH in, and its floating IP."""
    neutron: Any = member.network
    external = neutron.find_network(state.settings.external_network.name)
    with ExitStack() as undo:
        network = neutron.create_network(name=name)
        undo.callback(neutron.delete_network, network)
        subnet = neutron.create_subnet(network_id=network.id, name=name, ip_version=4, cidr=CIDR)
        router = neutron.create_router(name=name, external_gateway_info={"network_id": external.id})
        undo.callback(neutron.delete_router, router)
        neutron.add_interface_to_router(router, subnet=subnet.id)
        undo.callback(neutron.remove_interface_from_router, router, subnet=subnet.id)
        group = neutron.create_security_group(name=name)
        undo.callback(neutron.delete_security_group, group)
        neutron.create_security_group_rule(
            security_group_id=group.id,
            direction="ingress",
            protocol="tcp",
            port_range_min=22,
            port_range_max=22,
        )
        port = neutron.create_port(network_id=network.id, name=name, security_groups=[group.id])
        undo.callback(neutron.delete_port, port)
        address = neutron.create_ip(floating_network_id=external.id, port_id=port.id)
        undo.callback(neutron.delete_ip, address)
        yield port, address.floating_ip_address


@contextmanager
def _server(member: Connection, name: str, key: Path, port: Any) -> Iterator[Any]:  # noqa: ANN401
    nova: Any = member.compute
    images: Any = member.image
    with ExitStack() as undo:
        keypair = nova.create_keypair(name=name, public_key=key.with_suffix(".pub").read_text())
        undo.callback(nova.delete_keypair, keypair)
        server = nova.create_server(
            name=name,
            image_id=next(iter(images.images())).id,
            flavor_id=nova.find_flavor(FLAVOR).id,
            key_name=name,
            networks=[{"port": port.id}],
        )
        undo.callback(nova.wait_for_delete, server, interval=0.3, wait=int(BOOT))
        undo.callback(nova.delete_server, server)
        yield nova.wait_for_server(server, interval=0.3, wait=int(BOOT))


def _host_key(member: Connection, server: Any) -> str:  # noqa: ANN401
    """The server's key as the cloud's API tells it, so that nobody in between can pose as the server."""
    nova: Any = member.compute
    found: list[str] = []

    def shown() -> bool:
        found.extend(HOST_KEY.findall(nova.get_server_console_output(server.id)["output"]))
        return bool(found)

    wait_for("the server's host key on its console", shown, BOOT, 0.5)
    return found[-1]


def _ssh(directory: Path, key: Path, member: Connection, address: str, host_key: str) -> str:
    images: Any = member.image
    user = next(iter(images.images())).os_distro
    known = directory / "known_hosts"
    known.write_text(f"{address} {host_key}\n")
    options = {
        "IdentityFile": key,
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": 5,
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": known,
    }
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    ssh = Command(("ssh", "-F", "none", *flags, f"{user}@{address}"), timeout=20)
    said: list[str] = []

    def answers() -> bool:
        try:
            said.append(ssh.output("hostname"))
        except CommandError:  # not there yet; the wait is bounded
            return False
        return True

    wait_for(f"SSH to {address}", answers, BOOT, 0.3)
    return said[-1]
