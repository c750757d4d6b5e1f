"""What the hosts of a cluster, its API and etcd say now, read over SSH: one connection to each host."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from terp.environment.nodes import Taint
from terp.kubernetes import keys, kubeconfig
from terp.kubernetes.model import Node, Observation, SeenNode
from terp.kubernetes.plan.change import runs_cluster
from terp.kubernetes.shell import ask

ADMIN, API, MEMBERS, HEALTH, EXPIRY = "admin", "api", "etcd-members", "etcd-health", "expiry"
KUBECTL = f"kubectl --kubeconfig {kubeconfig.PLACE} --request-timeout=10s"
LOOK = f"""
{keys.printing_keys()}
PATH=$PATH:/usr/local/bin
etcd=false
if [ -s /etc/etcd.env ]; then
  set -a; . /etc/etcd.env; set +a
  etcd="timeout 15 etcdctl"
elif [ -s {kubeconfig.PLACE} ]; then
  pki=/etc/kubernetes/pki/etcd
  etcd="timeout 15 {KUBECTL} --namespace kube-system exec etcd-$(hostname) -- etcdctl"
  etcd="$etcd --cacert $pki/ca.crt --cert $pki/server.crt --key $pki/server.key"
fi
show() {{ echo "$1 $(eval "$2" 2>/dev/null | base64 -w0)"; }}
show {MEMBERS} "$etcd member list --write-out=json"
show {HEALTH} "$etcd endpoint health --cluster --write-out=json"
[ -s {kubeconfig.PLACE} ] || exit 0
show {ADMIN} "cat {kubeconfig.PLACE}"
show {API} "{KUBECTL} get nodes --output=json"
certificate=$(ls /etc/kubernetes/ssl/apiserver.crt /etc/kubernetes/pki/apiserver.crt 2>/dev/null | head -1)
show {EXPIRY} "LC_ALL=C openssl x509 -noout -enddate -in $certificate"
"""
"""Lines of a name and base64. Kubespray's etcd is a service with /etc/etcd.env, kubeadm's a static pod."""


@dataclass(frozen=True)
class Look:
    """What was seen. `keys` are those of each control plane by its name; they and `kubeconfig` are secrets.

    `control_plane` is the first that has a cluster; `kubeconfig` is None when none has.
    """

    observation: Observation
    control_plane: str = ""
    kubeconfig: str | None = None
    keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def look_at(nodes: Sequence[Node], jump: Node | None, private_key: str) -> Look:
    """Look at a cluster through those of its nodes that answer within a minute."""
    answers = ask(nodes, jump, private_key, lambda node: LOOK if runs_cluster(node) else "true")
    return seen({name: said for name, said in answers.items() if said is not None})


def seen(answers: Mapping[str, str]) -> Look:
    """What the answers of hosts say, by their names and in their order."""
    printed = {name: _fields(said) for name, said in answers.items()}
    found = {name: own for name, fields in printed.items() if (own := keys.keys_of(fields, name))}
    reachable = frozenset(answers)
    name = next((name for name, fields in printed.items() if ADMIN in fields), "")
    if not name:
        return Look(Observation(reachable=reachable), keys=found)
    talking = next((fields for fields in printed.values() if API in fields), {})
    etcd = next((fields for fields in printed.values() if MEMBERS in fields), {})
    observation = Observation(
        reachable=reachable,
        api_nodes=_api_nodes(talking[API]) if talking else None,
        etcd_members=_etcd_members(etcd[MEMBERS], etcd.get(HEALTH, "[]")) if etcd else {},
        fingerprints=keys.fingerprints(found.get(name, {})),
        certificate_days={
            host: _days_to(fields[EXPIRY]) for host, fields in printed.items() if EXPIRY in fields
        },
    )
    return Look(observation, name, printed[name][ADMIN], found)


def _fields(said: str) -> dict[str, str]:
    """What was printed by name; a part that failed printed nothing and is not there."""
    lines = (line.split() for line in said.splitlines())
    return {line[0]: base64.b64decode(line[1]).decode() for line in lines if len(line) == 2}


def _days_to(said: str) -> int:
    """Days to what openssl prints: `notAfter=Nov 23 09:00:00 2027 GMT`."""
    end = datetime.strptime(said.strip(), "notAfter=%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
    return (end - datetime.now(UTC)).days


def _api_nodes(said: str) -> dict[str, SeenNode]:
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


def _etcd_members(listed: str, health: str) -> dict[str, bool]:
    """Whether each member is healthy, by its name (etcdctl 3.5 and later)."""
    healthy = {each["endpoint"] for each in json.loads(health) if each["health"]}
    return {
        member["name"]: not healthy.isdisjoint(member.get("clientURLs", ()))
        for member in json.loads(listed)["members"]
        if member.get("name")  # one that was added and never started has none
    }
