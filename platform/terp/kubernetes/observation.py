"""What the hosts of a cluster, its API and etcd say now, read over SSH in one go."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from terp.command import CommandError
from terp.environment.nodes import Taint
from terp.kubernetes import keys, kubeconfig
from terp.kubernetes.model import Node, Observation, SeenNode
from terp.kubernetes.shell import Shell, UnreachableError, shell

AT_ONCE = 16
"""Hosts that are asked side by side."""
API = f"""
PATH=$PATH:/usr/local/bin
kubectl --kubeconfig {kubeconfig.PLACE} --request-timeout=10s get nodes --output=json
"""
ETCD = f"""
PATH=$PATH:/usr/local/bin
if [ -s /etc/etcd.env ]; then
  . /etc/etcd.env
  export ETCDCTL_API=3 ETCDCTL_CACERT ETCDCTL_CERT ETCDCTL_KEY ETCDCTL_ENDPOINTS
  run=etcdctl
else
  pki=/etc/kubernetes/pki/etcd
  run="kubectl --kubeconfig {kubeconfig.PLACE} --request-timeout=10s --namespace kube-system"
  run="$run exec etcd-$(hostname) -- etcdctl"
  run="$run --cacert $pki/ca.crt --cert $pki/server.crt --key $pki/server.key"
fi
$run member list --write-out=json
echo
$run endpoint health --cluster --write-out=json 2>&1 || true
"""
"""Two lines of JSON: Kubespray's etcd is a service with /etc/etcd.env, kubeadm's a static pod."""


@dataclass(frozen=True)
class Look:
    """What was seen; kubeconfig and keys are secrets, of the first control plane that has a cluster."""

    observation: Observation
    control_plane: str = ""
    kubeconfig: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_hosts(self) -> bool:
        """Whether any host answered."""
        return bool(self.observation.reachable)


def look_at(nodes: Sequence[Node], jump: Node | None, private_key: str) -> Look:
    """Look at a cluster through those of its nodes that answer; bounded by a minute for each question."""
    with shell(nodes, jump, private_key) as on:
        with ThreadPoolExecutor(AT_ONCE) as asking:
            answers = dict(zip(nodes, asking.map(lambda node: _answers(on, node), nodes), strict=True))
        reachable = frozenset(node.name for node, answered in answers.items() if answered)
        for node in nodes:
            if node.name in reachable and "control-plane" in node.roles:
                admin = kubeconfig.read_admin(on, node)
                if admin:
                    return _look_through(on, node, admin, reachable)
    return Look(Observation(reachable=reachable))


def _answers(on: Shell, node: Node) -> bool:
    try:
        on.run(node, "true")
    except UnreachableError:
        return False
    return True


def _look_through(on: Shell, node: Node, admin: str, reachable: frozenset[str]) -> Look:
    found = keys.read_keys(on, node)
    observation = Observation(
        reachable=reachable,
        api_nodes=_api_nodes(_said(on, node, API)),
        etcd_members=_etcd_members(_said(on, node, ETCD)),
        fingerprints=keys.fingerprints(found),
    )
    return Look(observation, node.name, admin, found)


def _said(on: Shell, node: Node, script: str) -> str:
    """What a script printed; nothing when it failed: then that part of the cluster does not answer."""
    try:
        return on.run(node, script)
    except CommandError:
        return ""


def _api_nodes(said: str) -> dict[str, SeenNode] | None:
    if not said:
        return None
    return {item["metadata"]["name"]: _seen(item) for item in json.loads(said)["items"]}


def _seen(item: Mapping[str, Any]) -> SeenNode:
    conditions = item["status"].get("conditions", ())
    return SeenNode(
        ready=any(each["type"] == "Ready" and each["status"] == "True" for each in conditions),
        version=item["status"]["nodeInfo"]["kubeletVersion"].removeprefix("v"),
        labels=item["metadata"].get("labels", {}),
        taints=tuple(
            Taint(key=each["key"], value=each.get("value", ""), effect=each["effect"])
            for each in item["spec"].get("taints", ())
        ),
    )


def _etcd_members(said: str) -> dict[str, bool]:
    """Whether each member is healthy, by its name (etcdctl 3.5 and later)."""
    lines = [line for line in said.splitlines() if line.startswith(("{", "["))]
    if not lines:
        return {}
    healthy = (
        {each["endpoint"] for each in json.loads(lines[-1]) if each["health"]} if len(lines) > 1 else set()
    )
    return {
        member["name"]: any(url in healthy for url in member.get("clientURLs", ()))
        for member in json.loads(lines[0])["members"]
        if member.get("name")  # one that was added and never started has none
    }
