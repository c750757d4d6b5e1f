"""New certificates for a control plane, one node after the other, also when the old ones have ended.

kubeadm signs them with the authorities that are on the node, and asks nobody. What runs took the old ones
when it started, so it is started anew; the next node waits until the API server of this one is ready.
"""

from collections.abc import Callable, Sequence

from terp.kubernetes import kubeconfig
from terp.kubernetes.model import Node
from terp.kubernetes.shell import UnreachableError, shell
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
RENEW = f"""set -eu
PATH=$PATH:/usr/local/bin
again() {{
  [ -e /etc/kubernetes/manifests/$1.yaml ] || return 0
  old=$(pgrep -of -- "$2" || true)
  [ -z "$old" ] || kill $old
  for try in $(seq 180); do
    new=$(pgrep -of -- "$2" || true)
    if [ -n "$new" ] && [ "$new" != "$old" ]; then return 0; fi
    sleep 1
  done
  echo "$1 does not start again" >&2
  return 1
}}
ready() {{
  kubectl --kubeconfig {kubeconfig.PLACE} --server https://$1:{API_PORT} --request-timeout=5s \\
    get --raw /readyz
}}
configuration=$(ls {" ".join(CONFIGURATIONS)} 2>/dev/null | head -n 1 || true)
kubeadm certs renew all ${{configuration:+--config $configuration}} >&2
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


def renew(nodes: Sequence[Node], jump: Node | None, private_key: str, say: Callable[[str], None]) -> None:
    """Renew what kubeadm has signed on each node of the control plane that answers.

    Raises:
        CommandError: a node did not come to its end; those after it were not touched.
    """
    with shell(nodes, jump, private_key) as on:
        for node in (each for each in nodes if "control-plane" in each.roles):
            say(node.name)
            try:
                on.run(node, RENEW + WAIT.format(address=node.address), LIMIT)
            except UnreachableError:
                say(f"{node.name} does not answer")
