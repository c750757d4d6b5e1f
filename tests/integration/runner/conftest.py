"""Nodes that are this machine, and playbooks for them with the interface of an installer."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from terp.kubernetes.model import Node, Run
from terp.kubernetes.runner import Access, Installation, Moment, Runner, RunRecord
from terp.kubernetes.runner.mitogen import with_mitogen
from terp.virtualenv import Virtualenv

PLAYBOOKS = Path(__file__).parent / "playbooks"
HERE = {
    "ansible_connection": "local",
    "ansible_become": False,
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}
"""Variables of nodes that are this machine."""
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary-of-the-private-key\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture(scope="session", params=["ansible", "mitogen"])
def installation(request: pytest.FixtureRequest) -> Installation:
    """The playbooks here, with the Ansible of our own ones; and with Mitogen, as Kubespray is run."""
    ansible = Virtualenv("ansible")
    ansible.make(print)
    roles = {"roles_path": str(PLAYBOOKS / "roles")}
    plain = Installation("test", "1", PLAYBOOKS, ansible.root / "bin", roles)
    return with_mitogen(plain, print) if request.param == "mitogen" else plain


def node(name: str, number: int, key: str = "ssh-ed25519 AAAA") -> Node:
    return Node(
        name=name,
        roles=("control-plane", "etcd") if number == 1 else ("worker",),
        address=f"127.84.0.{number}",
        access_address=f"127.84.0.{number}",
        user="root",
        host_key=key,
    )


def run_of(playbook: str, nodes: tuple[Node, ...], limit: tuple[str, ...] = (), **variables: object) -> Run:
    return Run.model_validate(
        {
            "kind": "playbook",
            "playbook": playbook,
            "nodes": nodes,
            "limit": limit,
            "variables": variables,
            "installer_version": "1",
            "kubernetes_version": "1.36.3",
            "reason": "a test",
        }
    )


@dataclass
class Cluster:
    """A cluster's folder, and what its runs have told."""

    folder: Path
    installation: Installation
    nodes: tuple[Node, ...] = (node("cp-1", 1), node("worker-1", 2))
    variables: Mapping[str, object] = field(default_factory=lambda: HERE)
    secrets: Mapping[str, str] = field(default_factory=dict)
    port: int = 22
    told: list[Moment] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(
        self, playbook: str, *, limit: tuple[str, ...] = (), seconds: float = 60, **variables: object
    ) -> RunRecord:
        self.told.clear()
        self.stop.clear()
        runner = Runner(self.folder, self.installation, Access(KEY, port=self.port), seconds)
        run = run_of(playbook, self.nodes, limit, **variables)
        return runner.run(run, self.variables, self.secrets, self.told.append, self.stop)


@pytest.fixture
def cluster(tmp_path: Path, installation: Installation) -> Cluster:
    return Cluster(tmp_path / "demo", installation)
