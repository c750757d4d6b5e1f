"""Small things over SSH that no playbook does: labels, snapshots of etcd, the word to new nodes."""

import shlex
from collections.abc import Iterator, Mapping

from pydantic import TypeAdapter

from terp.environment.nodes import Taint
from terp.kubernetes import kubeconfig
from terp.kubernetes.model import Node, Run
from terp.kubernetes.shell import Shell
from terp.model import Model

LIMIT = 300.0
"""Seconds for an errand."""
SNAPSHOTS = "/var/backups/etcd-terp"
KEPT = 5
"""Snapshots on a host."""
START = f"""set -eu
PATH=$PATH:/usr/local/bin
export KUBECONFIG={kubeconfig.PLACE}
kubectl() {{ command kubectl --request-timeout=20s "$@"; }}
untaint() {{
  said=$(kubectl taint node "$@" 2>&1) && return
  case $said in *'taint "'*'not found'*) ;; *) echo "$said" >&2; return 1 ;; esac
}}
"""
SNAPSHOT = f"""{START}
umask 077
mkdir -p {SNAPSHOTS}
file={SNAPSHOTS}/$(date -u +%Y%m%dT%H%M%SZ).db
if [ -s /etc/etcd.env ]; then
  set -a; . /etc/etcd.env; set +a
  new=$file.new inside="timeout 120"
else
  pki=/etc/kubernetes/pki/etcd
  new=$(sed -n 's/.*--data-dir=//p' /etc/kubernetes/manifests/etcd.yaml)/terp.db
  inside="timeout 120 kubectl --namespace kube-system exec etcd-$(hostname) --"
  tls="--cacert $pki/ca.crt --cert $pki/server.crt --key $pki/server.key"
fi
rm -f "$new"
$inside etcdctl ${{tls:-}} snapshot save "$new" >&2
if $inside etcdutl version >/dev/null 2>&1; then tool=etcdutl; else tool=etcdctl; fi
status=$($inside $tool snapshot status "$new" --write-out=json)
[ "$new" = "$file.new" ] || mv "$new" "$file.new"
mv "$file.new" "$file"
echo "$file $status"
ls {SNAPSHOTS}/*.db | sort | head -n -{KEPT} | xargs -r rm -f
"""
"""Kubespray's etcd is a service with /etc/etcd.env, kubeadm's a static pod that has its data folder alone in
common with the host. The status is etcdutl's from etcd 3.6 on, etcdctl's before."""


class NodeChange(Model):
    """What differs on one node: labels to set, or to remove (None), and taints."""

    labels: Mapping[str, str | None] = {}
    taints: tuple[Taint, ...] = ()
    without_taints: tuple[Taint, ...] = ()


CHANGES: TypeAdapter[dict[str, NodeChange]] = TypeAdapter(dict[str, NodeChange])


def candidates(run: Run) -> tuple[Node, ...]:
    """The nodes on which a run that is no playbook can be done, those that it names first."""
    role = "etcd" if run.kind == "snapshot" else "control-plane"
    able = [node for node in run.nodes if role in node.roles]
    return tuple(sorted(able, key=lambda node: node.name not in run.hosts))


def label(on: Shell, node: Node, run: Run) -> str:
    """Set and remove labels and taints through the API."""
    changes = CHANGES.validate_python(run.variables)
    on.run(node, START + "\n".join(labelling(changes)), LIMIT)
    return f"labels and taints of {', '.join(changes)} are set"


def labelling(changes: Mapping[str, NodeChange]) -> Iterator[str]:
    """The commands; each may be repeated."""
    for name, change in changes.items():
        values = [f"{key}-" if value is None else f"{key}={value}" for key, value in change.labels.items()]
        if values:
            yield shlex.join(["kubectl", "label", "node", name, "--overwrite", *values])
        new = {(taint.key, taint.effect) for taint in change.taints}  # these replace an old value
        for taint in change.without_taints:
            if (taint.key, taint.effect) in new:
                continue
            yield shlex.join(["untaint", name, f"{taint.key}:{taint.effect}-"])
        for taint in change.taints:
            value = f"={taint.value}" if taint.value else ""
            yield shlex.join(
                ["kubectl", "taint", "node", name, "--overwrite", f"{taint.key}{value}:{taint.effect}"]
            )


def snapshot(on: Shell, node: Node, run: Run) -> str:
    """Take a snapshot of etcd, see that it is one, and keep the newest."""
    file, status = take_snapshot(on, node)
    return f"snapshot of etcd on {node.name}: {file} {status}"


def take_snapshot(on: Shell, node: Node) -> tuple[str, str]:
    """Take a snapshot; the file of it on the node, and its status (JSON)."""
    file, _, status = on.run(node, SNAPSHOT, LIMIT).strip().partition(" ")
    return file, status


def tell_new_nodes(on: Shell, node: Node, run: Run) -> str:
    """Lead new nodes to `node` unless what they are told of now answers: a balancer, or a node that stays.

    They read the ConfigMap cluster-info in kube-public (kubeadm join).
    """
    script = f"""{START}
server=$(kubectl --namespace kube-public get configmap cluster-info --output=yaml |
  sed -n 's/^ *server: //p' | head -n 1)
if kubectl --server "$server" get --raw /livez >/dev/null 2>&1; then
  echo "new nodes are led to $server, which answers"
  exit 0
fi
new=https://{node.address}:${{server##*:}}
kubectl --namespace kube-public get configmap cluster-info --output=yaml |
  sed "s|^\\( *server: \\)$server\\$|\\1$new|" | kubectl replace --filename - >/dev/null
echo "new nodes are led to $new instead of $server, which does not answer"
"""
    return on.run(node, script, LIMIT).strip()
