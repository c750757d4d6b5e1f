"""Whether an environment has a cluster, and what its installer needs on this machine."""

from terp.environment.environment import Environment
from terp.environment.kubernetes import kubernetes_version
from terp.progress import Progress


def has_cluster(environment: Environment) -> bool:
    """Whether an environment's hosts become a cluster; those that are records cannot."""
    if environment.kubernetes.installer == "none":
        return False
    from terp.openstack.connection import boots  # with OpenStack's SDK: a second that others save

    return boots(environment.cloud)


def gather(environment: Environment, progress: Progress) -> None:
    """Bring what makes nodes of hosts into the cache: beside the layer before, which needs none of it.

    Raises:
        TerpError: something could not be had.
    """
    if not has_cluster(environment):
        return
    kubernetes = environment.kubernetes
    match kubernetes.installer:
        case "embedded":
            from terp.kubernetes import embedded

            embedded.installation(str(kubernetes_version(kubernetes)), progress)
        case "kubespray":
            from terp.kubernetes import kubespray
            from terp.kubernetes.runner.mitogen import environment as mitogen

            of = kubernetes.kubespray
            with progress.task(f"Kubespray {of.version}") as task:
                kubespray.installation(of.version, of.source, of.commit, task.update)
                if of.mitogen:
                    mitogen().make(task.update)
