"""The cluster of a stack: how it is reached, and what it should be (`terp.kubernetes.acceptance`)."""

from terp.environment.kubernetes import kubernetes_version
from terp.errors import TerpError
from terp.kubernetes.acceptance import Target
from terp.kubernetes.nodes import jump_of, nodes_of
from terp.openstack.hosts import Host
from terp.stack.workflow import Deployment


def target_of(deployment: Deployment) -> Target:
    """All of it, from what the stack has put out.

    Raises:
        TerpError: the stack has no cluster (exit code 2).
    """
    name, environment = deployment.workspace.stack, deployment.workspace.environment
    outputs = deployment.outputs()
    if not outputs.get("kubeconfig"):
        raise TerpError(f"stack {name} has no cluster", hint=f"raise it: terp up {name}", exit_code=2)
    hosts = [Host.model_validate(each) for each in outputs["hosts"]]
    return Target(
        name=name,
        kubeconfig=outputs["kubeconfig"],
        nodes=nodes_of(hosts, environment),
        jump=jump_of(hosts),
        private_key=outputs["private_key"],
        kubernetes_version=kubernetes_version(environment.kubernetes) or "",
    )
