"""What the nodes of a cluster fetch, as the release itself says: its variables, rendered by its Ansible."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import yaml
from pydantic import JsonValue, ValidationError

from terp.command import SHOWN, Command
from terp.errors import TerpError
from terp.kubernetes.model import Node, NodeRole, Run
from terp.kubernetes.runner import inventory
from terp.kubernetes.runner.configuration import configuration
from terp.kubernetes.runner.installation import Installation
from terp.model import Model
from terp.paths import PROJECT, cache_dir

PLAYBOOK = PROJECT / "ansible" / "kubespray" / "downloads.yml"
LIMIT = 300.0
"""Seconds; it takes 5 on a machine that does nothing else."""
DEFAULTS = "roles/kubespray_defaults/defaults/main/*.yml"
CHECKSUM = "_checksum"
"""How the names of variables end that are a checksum."""
APPROVER = "roles/kubernetes-apps/kubelet-csr-approver/defaults/main.yml"
CILIUM = "https://helm.cilium.io"
PASSED = frozenset({"HOME", "LOGNAME", "TMPDIR", "USER"})
ARCHITECTURES = ("x86_64", "aarch64")
"""As Ansible names them; nothing else in what is fetched depends on the host."""


class File(Model):
    """A file by its address; `checksum` as Kubespray has it, `sha256:…`."""

    name: str
    url: str
    checksum: str | None = None


class Chart(Model):
    """A Helm chart; its own images are not listed anywhere in Kubespray."""

    name: str
    version: str
    repository: str


class Downloads(Model):
    """What nodes fetch: files for x86_64; images are for all.

    `entries` are those of Kubespray's `downloads` that are on, rendered, by architecture and name.
    """

    entries: Mapping[str, Mapping[str, JsonValue]]
    files: tuple[File, ...]
    images: tuple[str, ...]
    charts: tuple[Chart, ...]


def downloads(
    installation: Installation, kubernetes_version: str, variables: Mapping[str, JsonValue]
) -> Downloads:
    """For nodes (Debian family) with these group variables; kept in the cache.

    Raises:
        TerpError: Kubespray's variables cannot be rendered.
    """
    asked = [str(installation.playbooks), kubernetes_version, variables, PLAYBOOK.read_text()]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    kept = cache_dir() / "kubespray" / "downloads" / f"{digest[:16]}.json"
    try:
        return Downloads.model_validate_json(kept.read_bytes())
    except (FileNotFoundError, ValidationError):
        answers = _answers(installation, kubernetes_version, variables)
        found = _listed(answers, _charts(answers[ARCHITECTURES[0]], installation.playbooks, variables))
    kept.parent.mkdir(parents=True, exist_ok=True)
    new = kept.with_suffix(f".{os.getpid()}")
    new.write_text(found.model_dump_json(indent=1))
    new.replace(kept)
    return found


def _answers(
    installation: Installation, kubernetes_version: str, variables: Mapping[str, JsonValue]
) -> Mapping[str, Mapping[str, Any]]:
    """What the playbook writes, by architecture."""
    run = Run(
        kind="playbook",
        playbook=PLAYBOOK.name,
        nodes=tuple(map(_node, ARCHITECTURES)),
        installer_version=installation.version,
        kubernetes_version=kubernetes_version,
        reason="what nodes fetch",
    )
    with tempfile.TemporaryDirectory(prefix="terp-") as folder:
        place = Path(folder)
        settings = {**installation.settings, "stdout_callback": "default", "nocolor": "True"}
        (place / "ansible.cfg").write_text(configuration(place, place, place / "facts", 2, 1, settings))
        (place / "hosts.yaml").write_text(inventory.inventory(run, ""))
        (place / "group_vars").mkdir()
        given = {**_tolerant(installation.playbooks), **variables}
        (place / "group_vars" / "all.json").write_text(inventory.group_variables(run, given))
        command = Command(
            (str(installation.bin / "ansible-playbook"),),
            timeout=LIMIT,
            only=PASSED,
            env={
                "PATH": f"{installation.bin}:{os.defpath}",
                "LC_ALL": "C.UTF-8",
                "ANSIBLE_CONFIG": str(place / "ansible.cfg"),
            },
        )
        done = command.run("-i", place / "hosts.yaml", "-e", f"out={place}", PLAYBOOK, check=False)
        if done.returncode:
            said = (done.stderr + done.stdout).strip()[-SHOWN:]
            raise TerpError(f"Kubespray {installation.version} does not say what it downloads\n{said}")
        return {each: json.loads((place / f"{each}.json").read_text()) for each in ARCHITECTURES}


def _tolerant(tree: Path) -> dict[str, JsonValue]:
    """The release's checksums, empty for a version that it does not know instead of an error."""
    return {
        name: value.replace("{{", "{{ (", 1).replace("}}", ") | default('') }}", 1)
        for file in tree.glob(DEFAULTS)
        for name, value in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).items()
        if name.endswith(CHECKSUM) and isinstance(value, str)
    }


def _node(architecture: str) -> Node:
    here = IPv4Address("127.0.0.1")
    roles: tuple[NodeRole, ...] = ("control-plane", "etcd", "worker")
    return Node(name=architecture, roles=roles, address=here, access_address=here, user="nobody", host_key="")


def _charts(answer: Mapping[str, Any], tree: Path, variables: Mapping[str, JsonValue]) -> tuple[Chart, ...]:
    charts = []
    if answer["approver"]:
        chosen = {**yaml.safe_load((tree / APPROVER).read_text(encoding="utf-8")), **variables}
        charts.append(
            Chart(
                name="kubelet-csr-approver",
                version=chosen["kubelet_csr_approver_chart_version"],
                repository=chosen["kubelet_csr_approver_repository_url"],
            )
        )
    if "cilium" in answer["enabled"]:
        charts.append(Chart(name="cilium", version=answer["cilium"], repository=CILIUM))
    return tuple(charts)


def _listed(answers: Mapping[str, Mapping[str, Any]], charts: tuple[Chart, ...]) -> Downloads:
    """Entries are files or images; one may be either, as etcd is."""
    answer = answers[ARCHITECTURES[0]]
    entries = answer["enabled"]
    files = [
        File(name=name, url=entry["url"], checksum=entry.get("checksum") or None)
        for name, entry in entries.items()
        if entry.get("file")
    ]
    images = [f"{entry['repo']}:{entry['tag']}" for entry in entries.values() if entry.get("container")]
    return Downloads(
        entries={architecture: each["enabled"] for architecture, each in answers.items()},
        files=tuple(files),
        images=tuple(sorted({*images, *answer["images"]})),
        charts=charts,
    )
