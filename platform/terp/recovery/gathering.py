"""Gathers what must survive an environment from its state, hosts and cluster, which stay as they are."""

import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from terp.command import Command
from terp.environment import Environment
from terp.errors import TerpError
from terp.gitops.cluster import Cluster
from terp.kubernetes.errands import take_snapshot
from terp.kubernetes.keys import ENCRYPTION, PLACES, check_keys, fingerprints
from terp.kubernetes.model import Node
from terp.kubernetes.nodes import jump_of, nodes_of
from terp.kubernetes.observation import Look, look_at
from terp.kubernetes.runner.lock import held
from terp.kubernetes.shell import UnreachableError, shell
from terp.kubernetes.unfinished import folder_of
from terp.kubernetes.variables import secret_names
from terp.openstack.hosts import Host
from terp.paths import PROJECT
from terp.progress import Task
from terp.recovery import contents
from terp.recovery.contents import Layer
from terp.recovery.etcd import revision_of
from terp.recovery.state import needs_passphrase, recorded_fingerprints
from terp.stack.pulumi import Pulumi
from terp.stack.workspace import Workspace
from terp.tools import Toolchain

COPYING = 1800.0
"""Seconds that a snapshot of some GiB may take to come here."""
VAULT = "vault"
"""Namespace of Vault, and of OpenBao in its place."""
UNSEALING = ("vault-init", "vault-seal")
"""Secrets there of which one unseals it (docs/storage.md)."""
WITH_VAULT = frozenset({"vault", "openbao"})


@dataclass
class Gathered:
    """What was gathered: files by the names of parts, and what the manifest says of them."""

    folder: Path
    created: datetime
    revision: str = ""
    layers: list[Layer] = field(default_factory=lambda: ["cloud"])
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    etcd_revision: int | None = None
    files: dict[str, Path] = field(default_factory=dict)

    def add(self, name: str, text: str) -> None:
        """A part that is text."""
        self.place(name).write_text(text)

    def place(self, name: str) -> Path:
        """Where a part is to lie."""
        self.files[name] = self.folder / name
        return self.files[name]


def gather(workspace: Workspace, toolchain: Toolchain, folder: Path, task: Task) -> Gathered:
    """Gather everything into a private folder.

    Raises:
        TerpError: the stack has no hosts, something cannot be read, or somebody changes it at the same time.
    """
    gathered = Gathered(folder, datetime.now(UTC))
    task.update("state")
    workspace.prepare()
    pulumi = Pulumi(workspace, toolchain, state_only=True)
    pulumi.unlock()
    exported = pulumi.exported()
    needs_passphrase(exported)
    outputs = pulumi.outputs()
    if "hosts" not in outputs:
        raise TerpError(
            f"stack {workspace.stack} has no hosts yet",
            hint=f"raise it: terp up {workspace.stack}",
            exit_code=2,
        )
    gathered.add(contents.STATE, json.dumps(exported))
    gathered.add(contents.PASSPHRASE, workspace.passphrase())
    gathered.add(contents.STACK_FILE, workspace.copy.read_text())
    gathered.add(contents.PRIVATE_KEY, outputs["private_key"])
    task.update("work tree")
    gathered.revision = pack(PROJECT, gathered.place(contents.WORK_TREE))
    environment = workspace.environment
    if environment.platform and environment.platform.git.credential:
        gathered.layers.append("git")
        gathered.add(contents.GIT_CREDENTIAL, _read(Path(environment.platform.git.credential).expanduser()))
    if kubeconfig := outputs.get("kubeconfig"):
        hosts = [Host.model_validate(host) for host in outputs["hosts"]]
        with held(folder_of(workspace.stack), "backup"):  # no playbook of this machine changes it meanwhile
            _gather_cluster(gathered, environment, hosts, exported, task)
        if environment.platform and environment.platform.providers.secrets in WITH_VAULT:
            task.update("Vault")
            _gather_unsealing(gathered, kubeconfig)
    task.update("state")
    if Pulumi(workspace, toolchain, state_only=True).exported() != exported:
        raise TerpError(f"stack {workspace.stack} was changed meanwhile: this is no set", hint="run it again")
    return gathered


def pack(tree: Path, to: Path) -> str:
    """Everything of a work tree that git does not ignore, as it is, also what is not committed; its commit.

    Raises:
        CommandError: it is no work tree of git.
    """
    git = Command(("git", "-C", str(tree)))
    listed = git.output("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    with tarfile.open(to, "w:gz") as archive:
        for name in sorted(set(listed.split("\0"))):
            if name and (tree / name).is_file():
                archive.add(tree / name, name)
    return git.output("rev-parse", "HEAD")


def _gather_cluster(
    gathered: Gathered,
    environment: Environment,
    hosts: Sequence[Host],
    exported: Mapping[str, Any],
    task: Task,
) -> None:
    """The keys, compared with the recorded ones and between the hosts, and a snapshot of etcd."""
    nodes, jump, key = nodes_of(hosts, environment), jump_of(hosts), _text_of(gathered, contents.PRIVATE_KEY)
    task.update("keys of the cluster")
    look = look_at(nodes, jump, key)
    found = dict(look.keys.get(look.control_plane, {}))
    compare(look, recorded_fingerprints(exported))
    gathered.layers.append("cluster")
    wanted = list(PLACES)
    if ENCRYPTION in secret_names(environment):
        gathered.layers.append("encryption")
        wanted.append(ENCRYPTION)
    if missing := [name for name in wanted if name not in found]:
        reached = look.control_plane or "no node of the control plane"
        raise TerpError(
            f"{reached} has no {', '.join(missing)}",
            hint="does the cluster stand? terp status; then run it again",
        )
    for name in wanted:
        gathered.add(name, found[name])
    gathered.fingerprints = fingerprints({name: found[name] for name in wanted})
    task.update("snapshot of etcd")
    _gather_snapshot(gathered, nodes, jump, key)


def compare(look: Look, recorded: Mapping[str, str]) -> None:
    """Stop where a host has another key than the recorded one, or than the first of the control plane.

    Raises:
        WrongKeyError: it has (exit code 2).
    """
    known = {**fingerprints(look.keys.get(look.control_plane, {})), **recorded}
    for host, keys in look.keys.items():
        check_keys(known, fingerprints(keys), host)


def _gather_snapshot(gathered: Gathered, nodes: Sequence[Node], jump: Node | None, key: str) -> None:
    """A snapshot from the first member of etcd that answers."""
    silent: UnreachableError | None = None
    with shell(nodes, jump, key) as on:
        for node in (each for each in nodes if "etcd" in each.roles):
            try:
                file, status = take_snapshot(on, node)
            except UnreachableError as error:
                silent = error
                continue
            on.fetch(node, file, gathered.place(contents.SNAPSHOT), COPYING)
            gathered.etcd_revision = revision_of(status)
            return
    raise silent or TerpError("the environment has no etcd")


def _gather_unsealing(gathered: Gathered, kubeconfig: str) -> None:
    """The Secrets that unseal Vault, if they are there: whoever has given them to people has removed them."""
    try:
        with Cluster(kubeconfig) as cluster:
            read = {name: cluster.read("v1", "Secret", name, VAULT) for name in UNSEALING}
    except (ApiException, HTTPError) as error:
        raise TerpError(f"the API does not say what unseals Vault: {error}") from error
    if found := {name: secret["data"] for name, secret in read.items() if secret}:
        gathered.layers.append("vault")
        gathered.add(contents.UNSEALING, json.dumps(found))


def _text_of(gathered: Gathered, name: str) -> str:
    return gathered.files[name].read_text()


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError as error:
        raise TerpError(
            f"platform.git.credential: {file} cannot be read: {error.strerror}", exit_code=2
        ) from error
