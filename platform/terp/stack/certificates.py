"""The certificates of an environment's cluster: when they end, and new ones."""

from dataclasses import dataclass
from datetime import timedelta

from terp.kubernetes.acceptance import Target
from terp.kubernetes.certificates import Certificates, look_at_certificates
from terp.kubernetes.renewal import renew
from terp.kubernetes.runner.lock import held
from terp.kubernetes.unfinished import folder_of
from terp.progress import Progress
from terp.stack.target import target_of
from terp.stack.workflow import Deployment


@dataclass(frozen=True)
class Renewal:
    """The certificates afterwards, and whether there was anything to do."""

    certificates: Certificates
    renewed: bool


def certificates_of(deployment: Deployment) -> Certificates:
    """The certificates of an environment's cluster.

    Raises:
        TerpError: it has none yet.
    """
    return _look(target_of(deployment))


def renew_certificates(deployment: Deployment, within: timedelta, progress: Progress) -> Renewal:
    """Renew certificates when one of the control plane, of a kubelet or the kubeconfig ends that soon.

    Raises:
        TerpError: a node did not come to its end; the next call goes on.
    """
    target = target_of(deployment)
    found = _look(target)
    due = [each for each in found.due(within) if each.renewable]
    if not due:
        return Renewal(found, renewed=False)
    with held(folder_of(target.name), "certs renew"), progress.task(f"certificates of {target.name}") as task:
        renew(target.nodes, target.jump, target.private_key, due, task.update)
    deployment.read_cluster()
    return Renewal(certificates_of(deployment), renewed=True)


def _look(target: Target) -> Certificates:
    return look_at_certificates(target.nodes, target.jump, target.private_key, target.kubeconfig)
