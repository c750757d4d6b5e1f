"""New certificates for a cluster, one node after the other, also when the old ones have ended.

kubeadm signs them with the authorities that are on the node, and asks nobody. What runs took the old ones
when it started, so it is started anew; the next node waits until the API server of this one is ready.
"""

import base64
from collections.abc import Callable, Collection, Sequence

import yaml

from terp.kubernetes.certificates import KUBELET, KUBELET_CLIENT, KUBELET_SERVER, Certificate
from terp.kubernetes.kubeconfig import PLACE
from terp.kubernetes.model import Node
from terp.kubernetes.shell import Shell, UnreachableError, shell
from terp.openstack.firewall import API_PORT

LIMIT = 900.0
"""Seconds for one node."""
CONFIGURATIONS = ("/etc/kubernetes/kubeadm-config.yaml", "/etc/kubernetes/kubeadm.yaml")
"""What kubeadm was told by Kubespray v2.31.0, and by the embedded installer: a cluster whose API is closed
cannot tell it."""
PARTS = {
    "etcd": "^etcd .*--cert-file=/etc/kubernetes/",
    "kube-apiserver": "^kube-apiserver .*--tls-cert-file=/etc/kubernetes/",
    "kube-controller-manager": "^kube-controller-manager .*--kubeconfig=/etc/kubernetes/",
    "kube-scheduler": "^kube-scheduler .*--kubeconfig=/etc/kubernetes/",
}
"""Static pods, and how their processes are known: a tenant's pod may run a program of the same name."""
CONFIGURATION = f"""configured=
for file in {" ".join(CONFIGURATIONS)}; do [ ! -e $file ] || configured="--config $file"; done"""
RENEW = f"""set -eu
PATH=$PATH:/usr/local/bin
again() {{
  [ -e /etc/kubernetes/manifests/$1.yaml ] || return 0
  old=$(pgrep -of -- "$2" || true)
  [ -z "$old" ] || kill $old 2>/dev/null || true
  for try in $(seq 180); do
    new=$(pgrep -of -- "$2" || true)
    if [ -n "$new" ] && [ "$new" != "$old" ]; then return 0; fi
    sleep 1
  done
  echo "$1 does not start again" >&2
  return 1
}}
ready() {{
  kubectl --kubeconfig {PLACE} --server https://$1:{API_PORT} --request-timeout=5s \\
    get --raw /readyz
}}
{CONFIGURATION}
kubeadm certs renew all $configured >&2
systemctl restart kubelet # which forgets how long it wanted to wait for what had failed
{"".join(f"again {name} '{pattern}'" + chr(10) for name, pattern in PARTS.items())}
"""
WAIT = """for try in $(seq 90); do
  if said=$(ready {address} 2>&1); then exit 0; fi
  sleep 2
done
echo "the API server is not ready: $said" >&2
exit 1
"""


KEY = f"""set -eu
PATH=$PATH:/usr/local/bin
{CONFIGURATION}
kubeadm kubeconfig user $configured --org system:nodes --client-name system:node:{{name}}
"""
ADMIT = f"""set -eu
umask 077
file={KUBELET}/kubelet-client-$(date -u +%Y-%m-%d-%H-%M-%S).pem
base64 -d > $file <<'END'
{{pair}}
END
ln -sfn $file {KUBELET_CLIENT}
systemctl restart kubelet
"""
"""The names that a kubelet gives to what it renews itself."""
SIGN_ANEW = f"""set -eu
rm -f {KUBELET_SERVER} {KUBELET}/kubelet.key
systemctl restart kubelet
"""


def renew(
    nodes: Sequence[Node],
    jump: Node | None,
    private_key: str,
    due: Collection[Certificate],
    say: Callable[[str], None],
) -> None:
    """Renew what ends: all of the control plane when one of it does, and kubelets' own.

    Nodes that do not answer are left as they are.

    Raises:
        CommandError: a node did not come to its end; those after it were not touched.
    """
    ending = {(each.host, each.file) for each in due}
    control_plane = [node for node in nodes if "control-plane" in node.roles]
    with shell(nodes, jump, private_key) as on:
        if any(each.by_kubeadm for each in due):
            for node in control_plane:
                _if_it_answers(say, node, lambda node: _renew_control_plane(on, node))
        for node in nodes:
            if (node.name, KUBELET_CLIENT) in ending:
                _if_it_answers(say, node, lambda node: _admit(on, node, control_plane))
            if (node.name, KUBELET_SERVER) in ending:
                _if_it_answers(say, node, lambda node: on.run(node, SIGN_ANEW))


def _if_it_answers(say: Callable[[str], None], node: Node, do: Callable[[Node], object]) -> None:
    say(node.name)
    try:
        do(node)
    except UnreachableError as error:
        say(error.message)


def _renew_control_plane(on: Shell, node: Node) -> None:
    on.run(node, RENEW + WAIT.format(address=node.address), LIMIT)


def _admit(on: Shell, node: Node, control_plane: Sequence[Node]) -> None:
    """Give a kubelet that the API does not know any more a new key, signed on the control plane."""
    kubeconfig = on.run(control_plane[0], KEY.format(name=node.name))
    user = yaml.safe_load(kubeconfig)["users"][0]["user"]
    parts = (base64.b64decode(user[f"client-{each}-data"]) for each in ("certificate", "key"))
    on.run(node, ADMIT.format(pair=base64.b64encode(b"".join(parts)).decode()))
