"""The tools that make the same infrastructure: Terp, its engine alone, and OpenTofu."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import yaml

from terp.command import Command
from terp.environment.access import Access
from terp.openstack.user_data import user_data
from terp.paths import PROJECT
from terp.stack.pulumi import PARALLEL
from terp.stack.workspace import Workspace
from terp.tools import Toolchain
from terp.tools.versions import read_versions, this_platform

CLOUD = "benchmark"
"""The entry of clouds.yaml."""
FLAVOR = "m1.small"
VIRTUAL_IP = "10.10.3.200"
"""Of the API: in the nodes' subnet, where no node comes to."""
CREATE, REFRESHED, UNCHANGED, MORE, DESTROY = "create", "no-op, refresh", "no-op", "one node more", "destroy"
STEPS = (CREATE, REFRESHED, UNCHANGED, MORE, DESTROY)
CALLED_AS_TERP = """
import sys
from pathlib import Path
from rich.console import Console
from terp.progress import progress_for
from terp.stack.workflow import Deployment

with progress_for(Console(), Path(sys.argv[1])) as story:
    getattr(Deployment(Path(sys.argv[2]), story), sys.argv[3])(*sys.argv[4:])
"""
"""What `terp up` and `terp destroy` do, but for waiting for SSH: records do not answer."""

MIRROR = """
provider_installation {{
  filesystem_mirror {{
    path = "{path}"
  }}
}}
"""
"""OpenTofu's configuration: providers come from a folder alone."""

Run = tuple[tuple[str, ...], Mapping[str, str], Path]
"""A program with its arguments, what it needs in its environment, and where it runs."""


class Contestant(Protocol):
    """One tool. `prepare` gives it the size of the next step."""

    name: str

    def prepare(self, nodes: int, more: int) -> None: ...
    def run(self, step: str) -> Run: ...


def control_plane(nodes: int) -> int:
    """How many of the nodes are of the control plane."""
    return 3 if nodes > 10 else 1


class Terp:
    """The workflow of `terp up` and `terp destroy`."""

    name = "terp"

    def __init__(self, directory: Path, image: str) -> None:
        self._image = image
        self._timings = directory / "timings.json"
        self.directory = directory
        self.stack_file = directory / f"Pulumi.benchmark-{self.name}.yaml"

    def prepare(self, nodes: int, more: int) -> None:
        group = {"flavor": FLAVOR}
        etcd = {"count": control_plane(nodes), "etcd_volume": {"size": 4}}
        environment = {
            "owner": "benchmark",
            "cloud": {"name": CLOUD},
            "nodes": {
                "image": self._image,
                "control_plane": {**group, **etcd},
                "pools": {"cpu": {**group, "count": nodes + more - control_plane(nodes)}},
            },
            "access": {
                "bastion": group,
                "api": {"endpoint": "virtual-ip", "virtual_ip": VIRTUAL_IP},
                "node_ports_from": ["0.0.0.0/0"],
            },
            "kubernetes": {"installer": "none"},
        }
        self.stack_file.write_text(yaml.safe_dump({"config": {"terp:environment": environment}}))

    def run(self, step: str) -> Run:
        command = "destroy" if step == DESTROY else "up"
        options = ("--refresh",) if step == REFRESHED else ()
        argv = (sys.executable, "-c", CALLED_AS_TERP, str(self._timings), str(self.stack_file), command)
        return (*argv, *options), {"PYTHONPATH": str(PROJECT / "platform")}, self.directory


class Engine(Terp):
    """`pulumi up` and `pulumi destroy` by themselves, in the workspace that Terp makes."""

    name = "engine"

    def __init__(self, directory: Path, image: str, toolchain: Toolchain) -> None:
        super().__init__(directory, image)
        self._toolchain = toolchain

    def prepare(self, nodes: int, more: int) -> None:
        super().prepare(nodes, more)
        workspace = self._workspace()
        workspace.prepare()
        pulumi = workspace.command(self._toolchain, 60)
        pulumi.run("stack", "select", "--create", workspace.stack)
        pulumi.run("state", "unprotect", "--all", "--yes", "--stack", workspace.stack, check=False)

    def run(self, step: str) -> Run:
        workspace = self._workspace()
        command = workspace.command(self._toolchain, timeout=60)
        options = ["--yes", "--skip-preview", "--parallel", PARALLEL, "--stack", workspace.stack]
        if step == REFRESHED:
            options.append("--refresh")
        verb = "destroy" if step == DESTROY else "up"
        return (*command.argv, verb, *options), command.env, workspace.root

    def _workspace(self) -> Workspace:
        return Workspace(self.stack_file)


class OpenTofu:
    """OpenTofu with its OpenStack provider, and the HCL beside this file."""

    name = "opentofu"

    def __init__(self, directory: Path, image: str, toolchain: Toolchain) -> None:
        self._program = str(toolchain.path("opentofu"))
        self._directory = directory / "opentofu"
        self._image = image
        self._env = {
            "TF_CLI_CONFIG_FILE": str(self._directory / "tofu.rc"),
            "TF_IN_AUTOMATION": "true",
            "OS_CLOUD": CLOUD,
        }
        self._install(toolchain)

    def _install(self, toolchain: Toolchain) -> None:
        (self._directory / "site").mkdir(parents=True)
        hcl = (PROJECT / "benchmarks" / "openstack_layer" / "main.tf").read_text()
        (self._directory / "site" / "main.tf").write_text(hcl)
        provider = toolchain.path("terraform-provider-openstack")
        version = read_versions().select([provider.name])[0].version
        place = f"registry.opentofu.org/terraform-provider-openstack/openstack/{version}"
        mirror = self._directory / "mirror" / place / this_platform().replace("-", "_")
        mirror.mkdir(parents=True)
        (mirror / f"{provider.name}_v{version}").symlink_to(provider)
        (self._directory / "tofu.rc").write_text(MIRROR.format(path=self._directory / "mirror"))
        Command((self._program,), env=self._env, cwd=self._directory / "site").run("init", "-input=false")

    def prepare(self, nodes: int, more: int) -> None:
        variables = {
            "cloud": CLOUD,
            "stack": "benchmark-opentofu",
            "image": self._image,
            "flavor": FLAVOR,
            "virtual_ip": VIRTUAL_IP,
            "user_data": user_data("benchmark", Access(), {}),
            "control_plane": control_plane(nodes),
            "workers": nodes + more - control_plane(nodes),
        }
        (self._directory / "site" / "terraform.tfvars.json").write_text(json.dumps(variables))

    def run(self, step: str) -> Run:
        verb = "destroy" if step == DESTROY else "apply"
        options = ("-refresh=false",) if step == UNCHANGED else ()
        argv = (self._program, verb, "-auto-approve", "-input=false", "-no-color")
        return (*argv, *options), self._env, self._directory / "site"
