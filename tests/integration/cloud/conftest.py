"""Clouds to test against: one of records, run without privileges, and one of real hosts."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import openstack
import pytest
from openstack.config import OpenStackConfig
from openstack.connection import Connection

from terp.cloud.process import marked, wait_for
from terp.cloud.settings import DEFAULT
from terp.cloud.state import State
from terp.paths import PROJECT

EXTERNAL = "198.51.100.128/25"
"""Not the default, which a cloud that somebody uses on this machine may have."""
UNPRIVILEGED = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
"""Makes a user namespace without root: uid 1000, no capability, yet the owner of the files."""


def kill(cloud: "EmbeddedCloud", name: str) -> None:
    """Kill one process of a cloud, by its name, and nothing that it has started."""
    record = cloud.state.process(name).record()
    assert record, f"{name} does not run"
    os.kill(record.pid, signal.SIGKILL)
    wait_for(f"{name} to die", lambda: not record.alive(), 10)


class EmbeddedCloud:
    """One cloud in a state directory of its own, driven by the command line as users drive it."""

    def __init__(self, directory: Path, *, hosts: bool, allow: str = "") -> None:
        self.hosts = hosts
        self._allow = allow
        self.env = {**os.environ, "TERP_STATE": str(directory), "PYTHONPATH": str(PROJECT / "platform")}
        self.state = State(directory / "cloud")
        self._keeper: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0 and not hosts:
            self._keeper = subprocess.Popen([*UNPRIVILEGED, "sleep", "infinity"])
            theirs, ours = Path(f"/proc/{self._keeper.pid}/ns/user"), Path("/proc/self/ns/user")
            wait_for("the user namespace", lambda: theirs.readlink() != ours.readlink(), 10, 0.02)

    @property
    def prefix(self) -> tuple[str, ...]:
        """What runs a command as the user that the cloud belongs to; another's would start it anew."""
        if self._keeper is None:
            return ()
        return ("nsenter", "--user", "--preserve-credentials", f"--target={self._keeper.pid}", "--")

    def terp(self, *args: str, check: bool = True, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run `terp cloud ...`."""
        return subprocess.run(
            [*self.prefix, sys.executable, "-m", "terp", "cloud", *args],
            env=self.env,
            check=check,
            timeout=timeout,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        try:
            self.up()
        except BaseException:
            self.reset()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.reset()

    def up(self) -> None:
        """Lead to a running cloud."""
        settings = self.state.root.parent / "settings.yaml"
        text = DEFAULT.read_text().replace("198.51.100.0/25", EXTERNAL)
        settings.write_text(text.replace("allow: []", f"allow: [{self._allow}]"))
        kind = "--hosts" if self.hosts else "--no-hosts"
        done = self.terp("up", kind, "--settings", str(settings), check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def down(self) -> None:
        """Stop it."""
        done = self.terp("down", check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def reset(self) -> None:
        """Remove it."""
        done = self.terp("reset", "--yes", check=False)
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper.wait(10)
        assert done.returncode == 0, done.stdout + done.stderr

    def status(self) -> dict[str, str]:
        """State of each service."""
        seen = json.loads(self.terp("status", "--json", check=False).stdout)
        return {service["name"]: service["state"] for service in seen["services"]}

    def healthy_again(self, timeout: float = 120) -> None:
        """Wait until every service answers."""
        wait_for("all services up", lambda: set(self.status().values()) == {"up"}, timeout, 0.5)

    def processes(self) -> list[int]:
        """Every process of this cloud but its hosts', recorded or not."""
        place = self.state.ground.place
        return marked(place.tag, place.path("logs"))

    def traces(self) -> str:
        """Everything on the machine that carries the cloud's tag or lies in its directory."""
        tag, root = self.state.ground.place.tag, self.state.root
        looks = (
            f"ls /run/netns 2>/dev/null | grep ^{tag}",
            f"ip -o link | grep {tag}",
            f"grep -e {tag} -e {root}/ /proc/self/mounts",
            f"losetup -a | grep {root}/",
            f"find /sys/fs/cgroup -maxdepth 3 -name '{tag}*'",
            f"ls /run/systemd/nspawn/*/ 2>/dev/null | grep ^{tag}",
            f"{self.state.ground.place.packages}/usr/sbin/nft list tables | grep {tag}",
        )
        seen = [
            subprocess.run(["sh", "-c", look], capture_output=True, text=True, timeout=30).stdout
            for look in looks
        ]
        return "".join(seen) + " ".join(map(str, self.processes()))

    def connect(self, *, admin: bool = False, entry: str = "embedded") -> Connection:
        """As the ordinary member, by another entry of its file, or as the administrator."""
        file = self.state.path("admin-clouds.yaml" if admin else "clouds.yaml")
        config = OpenStackConfig(
            config_files=[str(file)], secure_files=[], vendor_files=[], load_envvars=False
        )
        return openstack.connection.Connection(
            config=config.get_one("embedded-admin" if admin else entry), api_timeout=60
        )


@pytest.fixture(scope="session")
def records_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """The driver mode without hosts, as a user without root and without capabilities."""
    with EmbeddedCloud(tmp_path_factory.mktemp("records"), hosts=False) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def hosts_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """A cloud whose servers are real hosts; what they may reach is nowhere, but lets the proxy run."""
    with EmbeddedCloud(tmp_path_factory.mktemp("hosts"), hosts=True, allow="mirror.example.org") as cloud:
        yield cloud


@pytest.fixture
def records(records_cloud: EmbeddedCloud) -> Iterator[EmbeddedCloud]:
    """The cloud of records, with nothing of the member's left after the test."""
    yield records_cloud
    remove_everything(records_cloud.connect())


@pytest.fixture
def member(records: EmbeddedCloud) -> Connection:
    """An ordinary member of the cloud of records."""
    return records.connect()


def remove_everything(member: Connection) -> None:
    """Delete what the member has, in the order in which OpenStack lets it go."""
    servers = list(member.compute.servers())
    for server in servers:
        member.compute.delete_server(server, ignore_missing=True)
    for server in servers:
        member.compute.wait_for_delete(server, interval=0.3, wait=60)
    for snapshot in member.block_storage.snapshots():
        member.block_storage.delete_snapshot(snapshot)
        member.block_storage.wait_for_delete(snapshot, interval=0.3, wait=60)
    for volume in member.block_storage.volumes():
        member.block_storage.delete_volume(volume)
    for address in member.network.ips():
        member.network.delete_ip(address)
    mine = {"project_id": member.current_project_id}
    for router in member.network.routers(**mine):
        member.network.update_router(router, routes=[])
        for port in member.network.ports(device_id=router.id, device_owner="network:router_interface"):
            member.network.remove_interface_from_router(router, port=port.id)
        member.network.delete_router(router)
    for port in member.network.ports(**mine):
        member.network.delete_port(port)
    for network in member.network.networks(**mine):
        member.network.delete_network(network)
    for group in member.network.security_groups(**mine):
        if group.name != "default":
            member.network.delete_security_group(group)
    for group in member.compute.server_groups():
        member.compute.delete_server_group(group)
    for keypair in member.compute.keypairs():
        member.compute.delete_keypair(keypair)
