"""Clusters as they would be run, without hosts: the files of a run as the runner writes them, and Ansible."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from pathlib import Path

from pydantic import JsonValue

from terp.command import Command
from terp.environment import Environment, read
from terp.environment.kubernetes import kubernetes_version
from terp.environment.stack_file import stack_name
from terp.kubernetes.model import Node, Run
from terp.kubernetes.nodes import nodes_of
from terp.kubernetes.runner import inventory
from terp.kubernetes.runner.configuration import configuration
from terp.kubernetes.runner.installation import Installation
from terp.kubernetes.variables import group_variables, run_variables, secret_names
from terp.openstack.hosts import Host
from terp.openstack.servers import Server, servers

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBsample"
FAILED = re.compile(r"^TASK \[(?P<task>[^\n]+)\] \*+\n(?:(?!^TASK ).*\n)*?fatal:", re.MULTILINE)


@dataclass(frozen=True)
class Cluster:
    """What a run needs of an environment."""

    nodes: tuple[Node, ...]
    kubernetes_version: str
    variables: Mapping[str, JsonValue]
    run_variables: Mapping[str, JsonValue]
    secrets: Mapping[str, str]
    jump: bool = False
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def but(self, **variables: JsonValue) -> "Cluster":
        """The same with other group variables."""
        return replace(self, variables={**self.variables, **variables})


def cluster(file: Path, supported: Sequence[str]) -> Cluster:
    """Of an environment's file; with the release's default of Kubernetes where it is not for Kubespray."""
    environment, stack = read(file), stack_name(file)
    kubernetes = environment.kubernetes
    wanted = kubernetes_version(kubernetes) if kubernetes.installer == "kubespray" else None
    return Cluster(
        nodes=nodes_of(_hosts(stack, environment), environment),
        kubernetes_version=wanted if wanted in supported else supported[0],
        variables=group_variables(environment, stack),
        run_variables=run_variables(environment),
        secrets=dict.fromkeys(secret_names(environment), "0123456789abcdef0123456789abcdef"),
        jump=environment.access.bastion is not None,
    )


def _hosts(stack: str, environment: Environment) -> list[Host]:
    """The servers as if the cloud had given addresses to those that the file gives none."""
    made = [server for server in servers(stack, environment) if server.role != "bastion"]
    taken = {server.address for server in made}
    free = (each for each in reversed(list(environment.network.nodes.hosts())) if each not in taken)
    return [_host(server, server.address or next(free)) for server in made]


def _host(server: Server, address: IPv4Address) -> Host:
    return Host(
        name=server.name,
        server_id=server.name,
        role=server.role,
        group=server.group,
        number=server.number,
        user="debian",
        address=address,
        labels=server.labels,
        taints=server.taints,
        inventory_groups=server.inventory_groups,
        host_key=HOST_KEY,
    )


class Ansible:
    """ansible-playbook of an installation, in a folder with the files of one run."""

    def __init__(self, folder: Path, installation: Installation, cluster: Cluster) -> None:
        self.folder = folder
        self._installation = installation
        run = Run(
            kind="playbook",
            nodes=cluster.nodes,
            variables=cluster.run_variables,
            groups=cluster.groups,
            installer_version=installation.version,
            kubernetes_version=cluster.kubernetes_version,
            reason="test",
        )
        settings = {**installation.settings, "stdout_callback": "default"}
        texts = {
            "ansible.cfg": configuration(
                folder, folder / "c", folder / "facts", len(run.nodes), 2, {**settings, "nocolor": "True"}
            ),
            "inventory/hosts.yaml": inventory.inventory(run, "-F /dev/null"),
            "inventory/group_vars/all.json": inventory.group_variables(
                run, {**installation.variables, **cluster.variables}
            ),
            "secrets.yaml": inventory.secret_variables(cluster.secrets),
            "run.json": inventory.run_variables(run),
        }
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    def play(self, playbook: str | Path, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the installation, or one's own, with what the runner gives it."""
        command = Command(
            (str(self._installation.bin / "ansible-playbook"),),
            timeout=240,
            only=frozenset({"HOME", "TMPDIR", "USER"}),
            env={
                "PATH": f"{self._installation.bin}:{os.defpath}",
                "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
                "LC_ALL": "C.UTF-8",
            },
            cwd=self._installation.playbooks,
        )
        files = [str(self.folder / name) for name in ("run.json", "secrets.yaml")]
        given = [text for file in files for text in ("-e", f"@{file}")]
        path = self._installation.playbooks / playbook
        return command.run("-i", str(self.folder / "inventory"), *given, *options, str(path), check=False)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The end of what Ansible said, for a failed test."""
    return (done.stdout + done.stderr)[-3000:]


def failed_tasks(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Names of the tasks that failed, without their roles."""
    return {each["task"].split(" : ")[-1] for each in FAILED.finditer(done.stdout)}
