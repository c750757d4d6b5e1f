"""A small site on the cloud of hosts: a network with a router, a bastion, and servers behind it."""

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openstack.compute.v2.server import Server
from openstack.connection import Connection

from terp.cloud.process import wait_for

SSH_AFTER_BOOT = 90.0
"""Seconds that a server may take to answer on a machine that is busy with other tests."""


class Site:
    """Servers of an ordinary member, reached as people reach them: SSH, through a bastion."""

    def __init__(self, member: Connection, directory: Path) -> None:
        self.member = member
        self._directory = directory
        self.key = directory / "key"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True, timeout=30
        )
        member.compute.create_keypair(name="site", public_key=self.key.with_suffix(".pub").read_text())
        self.external = member.network.find_network("public")
        self.image = next(iter(member.image.images()))
        self.user = self.image.os_distro
        self.network = self.make_network("site", "10.20.0.0/24")
        self.router = member.network.create_router(
            name="site", external_gateway_info={"network_id": self.external.id}
        )
        self.join(self.network)
        self.outer = self.group("bastion", self.rule(protocol="tcp", port=22, prefix="0.0.0.0/0"))
        self.inner = self.group("node")
        for source in (self.outer, self.inner):
            self.allow(self.inner, self.rule(group=source))
        self.bastion = self.server("bastion", groups=[self.outer])
        self.address = member.network.create_ip(
            floating_network_id=self.external.id, port_id=self.port_of(self.bastion).id
        ).floating_ip_address
        self.wait_ssh("bastion")

    def make_network(self, name: str, cidr: str) -> Any:
        network = self.member.network.create_network(name=name)
        self.member.network.create_subnet(network_id=network.id, name=name, ip_version=4, cidr=cidr)
        return self.member.network.get_network(network)

    def join(self, network: Any) -> None:
        self.member.network.add_interface_to_router(self.router, subnet=network.subnet_ids[0])

    @staticmethod
    def rule(
        *,
        protocol: str | None = None,
        port: int | None = None,
        prefix: str | None = None,
        group: str | None = None,
    ) -> dict[str, Any]:
        return {
            "direction": "ingress",
            "protocol": protocol,
            "port_range_min": port,
            "port_range_max": port,
            "remote_ip_prefix": prefix,
            "remote_group_id": group,
        }

    def allow(self, group: str, rule: dict[str, Any]) -> Any:
        return self.member.network.create_security_group_rule(security_group_id=group, **rule)

    def group(self, name: str, *rules: dict[str, Any]) -> str:
        group = self.member.network.create_security_group(name=name)
        for rule in rules:
            self.allow(group.id, rule)
        return group.id

    def start(
        self,
        name: str,
        *,
        groups: list[str] | None = None,
        network: Any = None,
        user_data: str = "",
        **more: Any,
    ) -> Server:
        """Ask for a server; `active` waits for it."""
        network = network or self.network
        port = self.member.network.create_port(
            network_id=network.id, name=name, dns_name=name, security_groups=groups or [self.inner]
        )
        if "block_device_mapping" not in more:
            more["image_id"] = self.image.id
        return self.member.compute.create_server(
            name=name,
            flavor_id=self.member.compute.find_flavor(more.pop("flavor", "m1.small")).id,
            key_name="site",
            networks=[{"port": port.id}],
            user_data=base64.b64encode((user_data or "#cloud-config\n").encode()).decode(),
            **more,
        )

    def active(self, server: Server) -> Server:
        return self.member.compute.wait_for_server(server, wait=120, interval=0.3)

    def server(self, name: str, **more: Any) -> Server:
        return self.active(self.start(name, **more))

    def wait_status(self, server: Server, status: str) -> None:
        self.member.compute.wait_for_server(server, status=status, wait=60, interval=0.3)

    def delete(self, server: Server) -> None:
        ports = list(self.member.network.ports(device_id=server.id))
        self.member.compute.delete_server(server)
        self.member.compute.wait_for_delete(server, interval=0.3, wait=60)
        for port in ports:
            self.member.network.delete_port(port)

    def port_of(self, server: Server) -> Any:
        return next(self.member.network.ports(device_id=server.id))

    def ip(self, server: Server) -> str:
        return self.port_of(server).fixed_ips[0]["ip_address"]

    def ssh(self, where: str, command: str, *, timeout: float = 30, check: bool = True) -> str:
        """Run a command on the bastion, or on an address behind it (ProxyJump).

        Raises:
            subprocess.CalledProcessError: it failed, or the server could not be reached.
        """
        options = (
            "StrictHostKeyChecking no",
            "UserKnownHostsFile /dev/null",
            "LogLevel ERROR",
            "ConnectTimeout 4",
            "BatchMode yes",
            "IdentitiesOnly yes",
        )
        host = f"Host *\n  User {self.user}\n  IdentityFile {self.key}\n"
        host += "".join(f"  {option}\n" for option in options)
        config = self._directory / "ssh_config"
        config.write_text(f"Host bastion\n  HostName {self.address}\n{host}")
        jump = [] if where == "bastion" else ["-J", "bastion"]
        done = subprocess.run(
            ["ssh", "-F", str(config), *jump, where, command],
            check=check,
            timeout=timeout,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout.strip()

    def reaches(self, where: str, command: str = "true") -> bool:
        try:
            self.ssh(where, command, timeout=20)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False
        return True

    def wait_ssh(self, where: str) -> None:
        wait_for(f"SSH to {where}", lambda: self.reaches(where), SSH_AFTER_BOOT, 0.3)
        self.ssh(where, "cloud-init status --wait", timeout=60)

    def after_reboot(self, where: str, reboot: Callable[[], object]) -> None:
        """Run `reboot` and wait until the server has really been started anew."""
        mark = "/run/before-reboot"
        self.ssh(where, f"sudo touch {mark}")
        reboot()
        wait_for(f"{where} to reboot", lambda: self.reaches(where, f"test ! -e {mark}"), SSH_AFTER_BOOT, 0.3)

    def opens(self, where: str, address: str, port: int) -> bool:
        """From there, a TCP connection is answered."""
        return self.reaches(where, f"timeout 3 bash -c '</dev/tcp/{address}/{port}'")

    def listen(self, where: str, port: int, text: str) -> None:
        """Serve a text over HTTP until the server goes."""
        unit = f"sudo systemd-run --quiet --unit=listen-{port}"
        page = f"mkdir -p /srv/{port}; cd /srv/{port}; echo {text} > index.html"
        script = f"{page}; exec python3 -m http.server {port}"
        self.ssh(where, f"{unit} sh -c {json.dumps(script)}")
        wait_for("the listener", lambda: self.opens(where, "127.0.0.1", port), 15, 0.2)
