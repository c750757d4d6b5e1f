"""The inventory of one run: Kubespray's groups and host variables, hosts in the given order."""

import json
from collections.abc import Mapping, Sequence

import yaml
from pydantic import JsonValue

from terp.kubernetes.model import Node, Run

GROUP_OF = {"kube_control_plane": "control-plane", "etcd": "etcd", "kube_node": "worker"}
EMPTY = ("calico_rr", "broken_etcd", "broken_kube_control_plane")
"""Groups that Kubespray's templates read although hardly anybody has hosts in them."""


def inventory(run: Run, ssh_arguments: str, python: str = "") -> str:
    """The YAML inventory of a run.

    Everything but labels and taints is static, so that group variables resolve before any play. No host is
    named `bastion`: the way through it is in `ssh_arguments`, with host keys checked.
    """
    groups: dict[str, list[str]] = {
        group: [node.name for node in run.nodes if role in node.roles] for group, role in GROUP_OF.items()
    }
    groups |= {name: [] for name in EMPTY}
    for node in run.nodes:
        for name in node.inventory_groups:
            groups.setdefault(name, []).append(node.name)
    for name, hosts in run.groups.items():
        groups[name] = list(hosts)
    children: dict[str, JsonValue] = {
        name: {"hosts": {host: {} for host in hosts}} for name, hosts in groups.items()
    }
    members = ("kube_control_plane", "kube_node", "calico_rr")
    children["k8s_cluster"] = {"children": {name: {} for name in members}}
    everyone: dict[str, JsonValue] = {"ansible_ssh_common_args": ssh_arguments}
    if python:
        everyone["ansible_python_interpreter"] = python
    tree = {
        "all": {
            "hosts": {node.name: host_variables(node) for node in run.nodes},
            "vars": everyone,
            "children": children,
        }
    }
    return str(yaml.safe_dump(tree, sort_keys=False, width=110))


def host_variables(node: Node) -> dict[str, JsonValue]:
    """What Kubespray reads of one host.

    `main_ip` and `main_access_ip` are facts that the removal of a dead etcd member needs without that host.
    """
    address = str(node.address)
    values: dict[str, JsonValue] = {
        "ansible_host": str(node.access_address),
        "ansible_user": node.user,
        "ip": address,
        "access_ip": address,
        "main_ip": address,
        "main_access_ip": address,
    }
    if node.address_ipv6:
        values["ip6"] = str(node.address_ipv6)
    if "etcd" in node.roles:
        values["etcd_member_name"] = node.name
    if node.labels:
        values["node_labels"] = dict(node.labels)
    if node.taints:
        values["node_taints"] = [f"{taint.key}={taint.value}:{taint.effect}" for taint in node.taints]
    return values


def group_variables(run: Run, variables: Mapping[str, JsonValue]) -> str:
    """Variables of all hosts as JSON; the version is the run's."""
    return json.dumps({**variables, "kube_version": run.kubernetes_version}, indent=1)


def run_variables(run: Run) -> str:
    """Extra variables of this very run as JSON: truth values stay truth values."""
    return json.dumps(dict(run.variables), indent=1)


def secret_variables(secrets: Mapping[str, str]) -> str:
    """Secrets as YAML variables that Ansible does not take for templates, whatever is in them."""
    text = "".join(f"{json.dumps(name)}: !unsafe {json.dumps(value)}\n" for name, value in secrets.items())
    return text or "{}\n"


def arguments(run: Run, files: Sequence[str]) -> list[str]:
    """What follows `ansible-playbook -i … playbook`: limits, tags, and files of variables; nothing secret."""
    given = [("--limit", run.limit), ("--tags", run.tags), ("--skip-tags", run.skip_tags)]
    chosen = [text for option, values in given if values for text in (option, ",".join(values))]
    return chosen + [text for file in files for text in ("-e", f"@{file}")]
