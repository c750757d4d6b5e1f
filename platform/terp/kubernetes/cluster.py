"""The cluster of an environment, as a resource of the program.

The provider behind it is ours (`terp.provider`); Pulumi.yaml says where the engine finds it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_random as random
from pulumi import Input, Output, ResourceOptions

from terp.environment.environment import Environment
from terp.environment.kubernetes import kubernetes_version
from terp.environment.nodes import BASTION
from terp.kubernetes.credentials import credentials
from terp.kubernetes.keys import ENCRYPTION
from terp.kubernetes.nodes import jump_of, node_of, roles_of, taints_of
from terp.kubernetes.resource import CLUSTER
from terp.kubernetes.variables import group_variables, run_variables, secret_names
from terp.model import Model
from terp.openstack.cloud import Cloud
from terp.openstack.hosts import Host
from terp.openstack.servers import Server, servers
from terp.provider.version import VERSION

TOLD = ("address", "address_ipv6", "access_address", "user", "host_key")
"""What is known of a node when its server is there."""
KEY_LENGTH = 32
"""Characters of the key that encrypts Secrets: what secretbox takes."""


class Cluster(pulumi.CustomResource):
    """Kubernetes on hosts.

    `kubeconfig` (secret) is the administrator's, for the endpoint that is reached from outside. `keys` are
    those that the cluster cannot be without (secret, by name), `fingerprints` are theirs. `runs` records what
    was run, why, when, how long and with which result.
    """

    kubeconfig: Output[str]
    ca_certificate: Output[str]
    endpoint: Output[str]
    kubernetes_version: Output[str]
    nodes: Output[Sequence[Mapping[str, Any]]]
    keys: Output[Mapping[str, str]]
    fingerprints: Output[Mapping[str, str]]
    runs: Output[Sequence[Mapping[str, Any]]]

    def __init__(
        self, stack: str, environment: Environment, cloud: Cloud, opts: ResourceOptions | None = None
    ) -> None:
        """Lead the hosts of `cloud` to a cluster.

        Raises:
            TerpError: the cluster's own credential for OpenStack cannot be had (exit code 2).
        """
        settings = environment.kubernetes
        api = cloud.api.endpoint
        members = [each for each in servers(stack, environment) if each.role != BASTION]
        bastion = cloud.host_by_name.get(f"{stack}-{BASTION}")
        inputs: dict[str, Input[Any]] = {
            "name": stack,
            "nodes": [_node(each, environment, cloud.host_by_name[each.name]) for each in members],
            "jump": bastion.apply(_jump) if bastion else None,
            "installer": settings.installer,
            "installer_version": settings.kubespray.version if settings.installer == "kubespray" else VERSION,
            "source": settings.kubespray.source,
            "commit": settings.kubespray.commit,
            "kubernetes_version": kubernetes_version(settings),
            "variables": api.apply(lambda api: group_variables(environment, stack, _addresses(api))),
            "run_variables": run_variables(environment),
            "skip_tags": list(settings.kubespray.skip_tags),
            "mitogen": settings.kubespray.mitogen,
            "private_key": cloud.private_key,
            "endpoint": api.apply(lambda api: f"https://{api['public_address']}:{int(api['port'])}"),
            "secrets": Output.secret(Output.from_input(_secrets(environment))),
        }
        computed = dict.fromkeys(("state", "kubeconfig", "ca_certificate", "keys", "fingerprints", "runs"))
        own = ResourceOptions(
            version=VERSION, additional_secret_outputs=["kubeconfig", "keys"], depends_on=[cloud]
        )
        super().__init__(CLUSTER, stack, {**inputs, **computed}, ResourceOptions.merge(own, opts))


def _addresses(api: Mapping[str, Any]) -> list[str]:
    """What the API servers' certificate must be valid for."""
    return list(dict.fromkeys(str(api[each]) for each in ("address", "public_address")))


def _node(server: Server, environment: Environment, host: Output[dict[str, Any]]) -> dict[str, Input[Any]]:
    """A node (`terp.kubernetes.model.Node`); what its server alone can tell may not be known yet."""
    roles = roles_of(server.role, environment)
    taints = (*server.taints, *taints_of(roles))
    told = host.apply(lambda host: _json(node_of(Host.model_validate(host), environment)))
    return {
        "name": server.name,
        "roles": list(roles),
        "labels": dict(server.labels),
        "taints": [_json(taint) for taint in taints],
        "inventory_groups": list(server.inventory_groups),
        **{name: told[name] for name in TOLD},
    }


def _jump(host: Any) -> dict[str, Any] | None:  # noqa: ANN401 - a record of a host
    jump = jump_of([Host.model_validate(host)])
    return _json(jump) if jump else None


def _json(model: Model) -> dict[str, Any]:
    return model.model_dump(mode="json")


def _secrets(environment: Environment) -> dict[str, Input[str]]:
    """The value of every secret variable; the key that encrypts Secrets is made here, before the cluster."""
    values: dict[str, Input[str]] = {**credentials(environment)}
    wanted = secret_names(environment)
    if ENCRYPTION in wanted:
        key = random.RandomPassword("encryption-key", length=KEY_LENGTH, special=False)
        values[ENCRYPTION] = key.result
    return {name: values[name] for name in wanted}
