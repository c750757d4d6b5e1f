"""Three nodes behind a bastion, and what the checks say of them."""

import shlex
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from terp.kubernetes.model import Node
from terp.kubernetes.readiness import Needs, Report, check_hosts
from tests.integration.cloud.conftest import EmbeddedCloud, remove_everything
from tests.integration.cloud.site import Site

NAMES = ("cp-0", "worker-0", "worker-1")
QUIET_DISK = 1.0
"""Seconds: the disk of a machine that runs other tests is nobody's etcd."""


class Hosts:
    """The nodes, a bastion, and commands on them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        servers = [site.start(name) for name in NAMES]
        for server in servers:
            site.active(server)
        self.addresses = {server.name: site.ip(server) for server in servers}
        for address in self.addresses.values():
            site.wait_ssh(address)
        self.nodes = tuple(self._node(name, address, address) for name, address in self.addresses.items())
        self.jump = self._node("bastion", site.address, "bastion")

    def _node(self, name: str, address: str, where: str) -> Node:
        key = self.site.ssh(where, "cat /etc/ssh/ssh_host_ed25519_key.pub")
        roles = {"b": (), "c": ("control-plane", "etcd"), "w": ("worker",)}[name[0]]
        return Node(
            name=name,
            roles=roles,
            address=IPv4Address(address),
            access_address=IPv4Address(address),
            user=self.site.user,
            host_key=" ".join(key.split()[:2]),
        )

    def run(self, name: str, command: str) -> str:
        """A shell command as root."""
        return self.site.ssh(self.addresses[name], f"sudo -n sh -c {shlex.quote(command)}")

    def check(self, *nodes: Node, **more: Any) -> Report:
        """The checks, needing what these hosts can give."""
        needs = {"fsync": QUIET_DISK, "cgroup_v1": True, "plugin": "flannel", **more}
        private_key = self.site.key.read_text()
        return check_hosts(nodes or self.nodes, self.jump, private_key, Needs.model_validate(needs))


@pytest.fixture(scope="package")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    folder: Path = tmp_path_factory.mktemp("site")
    with EmbeddedCloud(tmp_path_factory.mktemp("readiness"), hosts=True) as cloud:
        yield Hosts(Site(cloud.connect(), folder))
        remove_everything(cloud.connect())
