"""Hosts that are a tree with sshd, and a stack whose one resource is a cluster on them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from terp.cloud.image import image
from terp.cloud.packages import packages
from terp.command import Command
from terp.kubernetes.model import Node
from terp.kubernetes.shell import Shell, shell
from terp.paths import PROJECT, cache_dir
from terp.progress import progress_for
from terp.tools import Toolchain, sync

ENTER = """
set -eu
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
cd "$2/root"
mount --rbind /proc proc
mount --rbind /dev dev
mkdir -p run/sshd root/.ssh
rm -f usr/bin/cloud-init  # it would never end: nothing boots here
install -m 0600 "$3.pub" root/.ssh/authorized_keys
install -m 0600 "$3" etc/ssh/host_key
exec chroot . /usr/sbin/sshd -D -e -o ListenAddress="$4" -o HostKey=/etc/ssh/host_key -o UsePAM=no \
  -o PermitRootLogin=yes -o PidFile=none -o MaxStartups=100
"""
SECRET = "canary-encryption-key-of-32-chars"
PROGRAM = """
import json, pathlib, pulumi
inputs = json.loads((pathlib.Path(__file__).parent / "inputs.json").read_text())
for name in ("private_key", "secrets"):
    inputs[name] = pulumi.Output.secret(inputs[name])
computed = dict.fromkeys(("state", "kubeconfig", "ca_certificate", "keys", "fingerprints", "runs"))
class Cluster(pulumi.CustomResource):
    def __init__(self):
        options = pulumi.ResourceOptions(version="0.1.0")
        super().__init__("terp:kubernetes:Cluster", "demo", {**inputs, **computed}, options)
cluster = Cluster()
for name in computed:
    pulumi.export(name, getattr(cluster, name))
"""


@dataclass(frozen=True)
class Hosts:
    """Hosts by name, and a shell on them."""

    nodes: tuple[Node, ...]
    private_key: str
    on: Shell

    def said(self, script: str, number: int = 0) -> str:
        return self.on.run(self.nodes[number], script)

    def runs(self, number: int = 0) -> list[str]:
        """The playbooks that ran on a host."""
        return self.said("cat /var/log/runs 2>/dev/null || true", number).splitlines()


@pytest.fixture(scope="session")
def tools() -> tuple[Toolchain, Path]:
    """Pulumi, and the tree of a host, from the cache or made now."""
    with progress_for(Console(file=sys.stderr), cache_dir() / "timings.json") as progress:
        return sync("openstack", progress), image(packages(progress), progress)


@pytest.fixture
def hosts(tools: tuple[Toolchain, Path], tmp_path: Path) -> Iterator[Hosts]:
    """Three fresh hosts: a control plane and two workers, of which clusters take as many as they like."""
    key = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], check=True, timeout=10
    )
    public = " ".join((tmp_path / "key.pub").read_text().split()[:2])
    nodes = tuple(
        Node(
            name=name,
            roles=("control-plane", "etcd") if number == 1 else ("worker",),
            address=f"127.83.0.{number}",
            access_address=f"127.83.0.{number}",
            user="root",
            host_key=public,
        )
        for number, name in enumerate(("cp-1", "worker-1", "worker-2"), 1)
    )
    with ExitStack() as running:
        for node in nodes:
            place = tmp_path / "hosts" / node.name
            for folder in ("upper", "work", "root"):
                (place / folder).mkdir(parents=True)
            address = str(node.access_address)
            argv = ["unshare", "--mount", "--propagation=private", "sh", "-c", ENTER, "sh"]
            log = running.enter_context((place / "log").open("w"))
            daemon = subprocess.Popen([*argv, tools[1], place, key, address], stdout=log, stderr=log)
            running.callback(_end, daemon)
        private_key = key.read_text()
        on = running.enter_context(shell(nodes, None, private_key))
        for node in nodes:
            _wait(partial(_answers, on, node))
        yield Hosts(nodes, private_key, on)


def _answers(on: Shell, node: Node) -> bool:
    return on.run(node, "true") == ""


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    daemon.wait(10)


def _wait(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until it holds; the last error when it never does."""
    end = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except Exception:
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end, "did not come true"
        time.sleep(0.05)


@dataclass
class Stack:
    """A stack with one cluster, in the hands of plain `pulumi`."""

    folder: Path
    pulumi: Command
    inputs: dict[str, Any]
    said: list[str] = field(default_factory=list)

    def write(self, **changed: Any) -> None:
        """Change the inputs of the cluster."""
        self.inputs |= changed
        (self.folder / "project" / "inputs.json").write_text(json.dumps(self.inputs))

    def run(self, *argv: str, fails: bool = False) -> str:
        """What `pulumi` printed."""
        done = self.pulumi.run(*argv, check=False)
        printed = done.stdout + done.stderr
        self.said.append(printed)
        assert (done.returncode != 0) == fails, printed
        return printed

    def up(self, *, fails: bool = False) -> str:
        return self.run("up", "--yes", "--skip-preview", "--diff", fails=fails)

    def resource(self) -> dict[str, Any]:
        """The cluster as the state has it, secrets encrypted."""
        state = json.loads(self.pulumi.output("stack", "export"))["deployment"]
        return next(each for each in state["resources"] if each["type"] == "terp:kubernetes:Cluster")

    def outputs(self) -> dict[str, Any]:
        """The outputs, secrets in clear."""
        return json.loads(self.pulumi.output("stack", "output", "--json", "--show-secrets"))

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Pulumi in the background; its lines are in `printed`."""
        out = self.printed.open("w")
        return subprocess.Popen(
            [*self.pulumi.argv, *argv],
            env=self.pulumi.environment(),
            cwd=self.pulumi.cwd,
            stdout=out,
            stderr=out,
            text=True,
            start_new_session=True,
        )

    @property
    def printed(self) -> Path:
        return self.folder / "printed"

    def provider(self) -> int:
        """The process of the provider."""
        for place in Path("/proc").glob("[0-9]*"):
            try:
                ours = b"tests.integration.provider.plugin" in (place / "cmdline").read_bytes()
                if ours and str(self.folder).encode() in (place / "environ").read_bytes():
                    return int(place.name)
            except (FileNotFoundError, ProcessLookupError):
                continue
        return 0

    def wait_for(self, text: str) -> None:
        _wait(lambda: text in self.printed.read_text())

    def wait_for_no_provider(self) -> None:
        _wait(lambda: self.provider() == 0)


@pytest.fixture
def stack(tools: tuple[Toolchain, Path], hosts: Hosts, tmp_path: Path) -> Iterator[Stack]:
    """A stack with a cluster on the first two hosts; nothing is up yet."""
    for folder in ("state", "project", "plugin", "terp"):
        (tmp_path / folder).mkdir()
    plugin = tmp_path / "plugin" / "pulumi-resource-terp"
    plugin.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.integration.provider.plugin "$@"\n')
    plugin.chmod(0o755)
    (tmp_path / "project" / "Pulumi.yaml").write_text(
        f"name: sample\nruntime: {{name: python, options: {{toolchain: pip, virtualenv: {sys.prefix}}}}}\n"
        f"plugins: {{providers: [{{name: terp, path: {tmp_path / 'plugin'}}}]}}\n"
    )
    (tmp_path / "project" / "__main__.py").write_text(PROGRAM)
    env = {
        **tools[0].env(),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{tools[0].env()['PATH']}",
        "PYTHONPATH": f"{PROJECT / 'platform'}{os.pathsep}{PROJECT}",
        "TERP_STATE": str(tmp_path / "terp"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the test",
    }
    program = (str(tools[0].path("pulumi")), "--non-interactive", "--color=never")
    made = Stack(
        tmp_path,
        Command(program, env=env, cwd=tmp_path / "project", timeout=90, ends_by=signal.SIGINT),
        {
            "name": "demo",
            "nodes": [node.model_dump(mode="json") for node in hosts.nodes[:2]],
            "installer": "embedded",
            "installer_version": "1",
            "kubernetes_version": "1.36.3",
            "variables": {"kube_oidc_auth": False},
            "private_key": hosts.private_key,
            "secrets": {"kube_encrypt_token": SECRET},
            "endpoint": "https://api.example.org:6443",
        },
    )
    made.write()
    made.run("stack", "init", "test")
    yield made
    made.wait_for_no_provider()
