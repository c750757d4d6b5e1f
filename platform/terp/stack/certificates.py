"""The certificates of an environment's cluster: when they end, and new ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from terp.errors import TerpError
from terp.kubernetes.certificates import Certificates, look_at_certificates
from terp.kubernetes.model import Node
from terp.kubernetes.nodes import jump_of, nodes_of
from terp.kubernetes.renewal import renew
from terp.kubernetes.runner.lock import held
from terp.kubernetes.unfinished import folder_of
from terp.openstack.hosts import Host
from terp.progress import Progress
from terp.stack.workflow import Deployment


@dataclass(frozen=True)
class Renewal:
    """The certificates afterwards, and whether there was anything to do."""

    certificates: Certificates
    renewed: bool


@dataclass(frozen=True)
class _Way:
    """How the hosts of a cluster are reached, and its kubeconfig."""

    nodes: Sequence[Node]
    jump: Node | None
    private_key: str
    kubeconfig: str


def certificates_of(deployment: Deployment) -> Certificates:
    """The certificates of an environment's cluster.

    Raises:
        TerpError: it has none yet.
    """
    way = _way(deployment)
    return look_at_certificates(way.nodes, way.jump, way.private_key, way.kubeconfig)


def renew_certificates(deployment: Deployment, within: timedelta, progress: Progress) -> Renewal:
    """Renew certificates when one of the control plane, of a kubelet or the kubeconfig ends that soon.

    Raises:
        TerpError: a node did not come to its end; the next call goes on.
    """
    stack = deployment.workspace.stack
    found = certificates_of(deployment)
    due = [each for each in found.due(within) if each.renewable]
    if not due:
        return Renewal(found, renewed=False)
    way = _way(deployment)
    with held(folder_of(stack), "certs renew"), progress.task(f"certificates of {stack}") as task:
        renew(way.nodes, way.jump, way.private_key, due, task.update)
    deployment.read_cluster()
    return Renewal(certificates_of(deployment), renewed=True)


def _way(deployment: Deployment) -> _Way:
    outputs = deployment.outputs()
    stack = deployment.workspace.stack
    if not outputs.get("kubeconfig"):
        raise TerpError(f"{stack} has no cluster", hint=f"raise it: terp up {stack}", exit_code=2)
    hosts = [Host.model_validate(each) for each in outputs["hosts"]]
    nodes = nodes_of(hosts, deployment.workspace.environment)
    return _Way(nodes, jump_of(hosts), outputs["private_key"], outputs["kubeconfig"])
