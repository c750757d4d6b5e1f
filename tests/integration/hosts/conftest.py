"""Hosts on a network of their own, and a client beside them that reaches them by SSH."""

import contextlib
import json
import logging
import os
import secrets
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from rich.console import Console

from terp.cloud.hosts import Host, HostSpec, Nic, sweep
from terp.cloud.image import image
from terp.cloud.network import links
from terp.cloud.packages import packages, tool
from terp.cloud.place import Place
from terp.cloud.process import wait_for
from terp.command import Command
from terp.progress import progress_for

PREFIX = "198.51.100"
CLIENT = f"{PREFIX}.250"
SSH_WITHIN = 60.0


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The unpacked packages and the base image, from the cache or made now."""
    timings = tmp_path_factory.mktemp("timings") / "timings.json"
    with progress_for(Console(stderr=True), timings) as progress:
        unpacked = packages(progress)
        return unpacked, image(unpacked, progress)


@dataclass
class Lab:
    """One place with one network, and what the tests do with it."""

    place: Place
    key: Path
    network: str = field(default_factory=lambda: str(uuid.uuid4()))
    addresses: dict[str, str] = field(default_factory=dict)

    def spec(self, **overrides: object) -> HostSpec:
        """A small host with one interface; its address is remembered."""
        number = len(self.addresses) + 10
        host_id = str(uuid.uuid4())
        self.addresses[host_id] = f"{PREFIX}.{number}"
        nic = Nic(port=str(uuid.uuid4()), mac=f"fa:16:3e:00:00:{number:02x}", network=self.network, mtu=1400)
        known = {
            "id": host_id,
            "name": f"server-{number}",
            "memory": 512,
            "vcpus": 1,
            "disk": 4,
            "nics": (nic,),
        }
        return HostSpec.model_validate({**known, **overrides})

    def seed(self, spec: HostSpec, user_data: str = "") -> dict[str, str]:
        """The config drive that Nova would write."""
        nic = spec.nics[0]
        public = self.key.with_suffix(".pub").read_text()
        meta = {"uuid": spec.id, "hostname": spec.name, "name": spec.name, "public_keys": {"test": public}}
        network = {
            "links": [{"id": "tap0", "type": "ovs", "ethernet_mac_address": nic.mac, "mtu": nic.mtu}],
            "networks": [
                {
                    "id": "network0",
                    "type": "ipv4",
                    "link": "tap0",
                    "ip_address": self.addresses[spec.id],
                    "netmask": "255.255.255.0",
                    "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": f"{PREFIX}.1"}],
                }
            ],
            "services": [{"type": "dns", "address": f"{PREFIX}.1"}],
        }
        drive = {
            "openstack/latest/meta_data.json": json.dumps(meta),
            "openstack/latest/network_data.json": json.dumps(network),
        }
        return {**drive, "openstack/latest/user_data": user_data} if user_data else drive

    def create(self, user_data: str = "", **overrides: object) -> Host:
        """A host that does not run yet."""
        spec = self.spec(**overrides)
        return Host.create(self.place, spec, self.seed(spec, user_data))

    def run(self, user_data: str = "", **overrides: object) -> Host:
        """A host that answers SSH."""
        host = self.create(user_data, **overrides)
        host.start()
        self.wait_for_ssh(host)
        return host

    def ssh(
        self, host: Host, command: str, *, check: bool = True, timeout: float = 30, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a host as its first user, who may become root."""
        options = [f"-o{option}" for option in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null")]
        options += ["-oConnectTimeout=2", "-oBatchMode=yes", "-oLogLevel=ERROR", f"-i{self.key}"]
        target = f"{self.user}@{self.addresses[host.id]}"
        ssh = links.inside(self.client, tool(self.place.packages, "ssh"))
        return ssh.run(*options, target, command, check=check, stdin=stdin, timeout=timeout)

    def out(self, host: Host, command: str, *, timeout: float = 30) -> str:
        """What a command prints in a host."""
        return self.ssh(host, command, timeout=timeout).stdout.strip()

    def wait_for_ssh(self, host: Host, within: float = SSH_WITHIN) -> float:
        """Seconds until the host answers."""
        start = time.monotonic()
        wait_for(f"SSH on {host.name}", lambda: self.ssh(host, "true", check=False).returncode == 0, within)
        return time.monotonic() - start

    def wait_for_reboot(self, host: Host, boot: str) -> None:
        """Wait until the host answers SSH from another boot than `boot` (see `boot_of`)."""
        wait_for(
            f"{host.name} to reboot",
            lambda: self.ssh(host, BOOT, check=False).stdout.strip() not in ("", boot),
            SSH_WITHIN,
        )

    def boot_of(self, host: Host) -> str:
        """Changes with every boot of the host."""
        return self.out(host, BOOT)

    @property
    def client(self) -> str:
        """The namespace of the client."""
        return f"{self.place.tag}-client"

    @property
    def user(self) -> str:
        """The first user that cloud-init makes."""
        assert self.place.image
        return "ubuntu" if "ubuntu" in (self.place.image / "etc/os-release").read_text().lower() else "debian"

    def volume(self, size: int = 64) -> Path:
        """A new volume of `size` MiB."""
        file = self.place.path("volumes", str(uuid.uuid4()))
        file.parent.mkdir(exist_ok=True)
        with file.open("wb") as out:
            out.truncate(size << 20)
        return file


BOOT = "cat /proc/sys/kernel/random/boot_id"


def traces(place: Place) -> list[str]:
    """Everything in the kernel that belongs to a place, as the kernel tells, not the code under test."""
    tag, root = place.tag, str(place.root)
    found = [f"namespace {path.name}" for path in Path("/run/netns").glob(f"{tag}*")]
    found += [f"group {path}" for path in _below(Path("/sys/fs/cgroup")) if path.name.startswith(tag)]
    found += [f"nspawn {path}" for path in _below(Path("/run/systemd")) if tag in path.name]
    loops = Path("/sys/block").glob("loop*/loop/backing_file")
    for file in loops:
        with contextlib.suppress(OSError):  # detached meanwhile
            found += [f"{file.parts[3]} {line}" for line in _lines(file) if root in line]
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                found += [
                    f"mount {line}" for line in _lines(process / "mountinfo") if root in line or tag in line
                ]
                texts = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
                if int(process.name) != os.getpid() and any(tag.encode() in text for text in texts):
                    found.append(f"process {process.name} {texts[0]!r}")
    return found


def _below(root: Path) -> list[Path]:
    """Everything in a tree whose folders may go at any moment."""
    return [Path(folder, name) for folder, folders, files in os.walk(root) for name in (*folders, *files)]


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


@pytest.fixture
def lab(trees: tuple[Path, Path], tmp_path: Path) -> Iterator[Lab]:
    unpacked, tree = trees
    place = Place(root=tmp_path, tag=f"t{secrets.token_hex(2)}", packages=unpacked, image=tree)
    key = tmp_path / "key"
    tool(unpacked, "ssh-keygen").run("-q", "-t", "ed25519", "-N", "", "-f", key)
    made = Lab(place, key)
    try:
        links.ensure_namespace(made.client)
        links.open_fabric(place)  # a fabric is closed until Neutron's rules are there
        links.plug(
            place,
            port=str(uuid.uuid4()),
            mac="fa:16:3e:00:00:fa",
            network=made.network,
            mtu=1400,
            namespace=made.client,
            ifname="eth0",
        )
        # A new fabric is closed until the data plane has its rules; these tests are not about them.
        links.inside(links.fabric(place), tool(unpacked, "nft")).run("flush", "ruleset")
        ip = Command(("ip", "-n", made.client))
        ip.run("address", "add", f"{CLIENT}/24", "dev", "eth0")
        ip.run("link", "set", "eth0", "up")
        yield made
    finally:
        sweep(place)
        links.sweep(place)
        left = traces(place)
    assert not left
