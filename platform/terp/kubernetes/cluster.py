"""The cluster of an environment, as a resource of the program.

The provider behind it is ours (`terp.kubernetes.provider`); Pulumi.yaml says where the engine finds it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_random as random
from pulumi import Input, Output, ResourceOptions

from terp.environment.environment import Environment
from terp.environment.kubernetes import kubernetes_version
from terp.errors import TerpError
from terp.kubernetes.keys import ENCRYPTION
from terp.kubernetes.nodes import jump_of, nodes_of
from terp.kubernetes.variables import group_variables, run_variables, secret_names
from terp.openstack.hosts import Host

VERSION = "0.1.0"
"""Of the provider."""
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
        self,
        stack: str,
        environment: Environment,
        *,
        hosts: Input[Sequence[Mapping[str, Any]]],
        private_key: Input[str],
        api: Input[Mapping[str, Any]],
        credentials: Mapping[str, Input[str]] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        """Lead `hosts` (records of `terp.openstack.hosts.Host`) to a cluster.

        `api` is where the API is reached: `address` by nodes, `public_address` from here, `port`.
        `credentials` are the values of secret variables that come from elsewhere, by name
        (`terp.kubernetes.variables.secret_names`).

        Raises:
            TerpError: a secret variable has no value (exit code 2).
        """
        settings = environment.kubernetes
        reached = Output.from_input(api)
        known = Output.from_input(hosts).apply(lambda hosts: [Host.model_validate(each) for each in hosts])
        inputs: dict[str, Input[Any]] = {
            "name": stack,
            "nodes": known.apply(lambda hosts: [_json(each) for each in nodes_of(hosts, environment)]),
            "jump": known.apply(lambda hosts: _json(jump) if (jump := jump_of(hosts)) else None),
            "installer": settings.installer,
            "installer_version": settings.kubespray.version if settings.installer == "kubespray" else VERSION,
            "source": settings.kubespray.source,
            "commit": settings.kubespray.commit,
            "kubernetes_version": kubernetes_version(settings),
            "variables": reached.apply(lambda api: group_variables(environment, stack, _addresses(api))),
            "run_variables": run_variables(environment),
            "private_key": Output.secret(private_key),
            "endpoint": reached.apply(lambda api: f"https://{api['public_address']}:{int(api['port'])}"),
            "secrets": Output.secret(Output.from_input(_secrets(environment, credentials or {}))),
        }
        computed = dict.fromkeys(("state", "kubeconfig", "ca_certificate", "keys", "fingerprints", "runs"))
        own = ResourceOptions(version=VERSION, additional_secret_outputs=["kubeconfig", "keys"])
        super().__init__(
            "terp:kubernetes:Cluster", stack, {**inputs, **computed}, ResourceOptions.merge(own, opts)
        )


def _addresses(api: Mapping[str, Any]) -> list[str]:
    """What the API servers' certificate must be valid for."""
    return list(dict.fromkeys(str(api[each]) for each in ("address", "public_address")))


def _json(node: Any) -> dict[str, Any]:  # noqa: ANN401 - a model
    json: dict[str, Any] = node.model_dump(mode="json")
    return json


def _secrets(environment: Environment, credentials: Mapping[str, Input[str]]) -> dict[str, Input[str]]:
    """The value of every secret variable; the key that encrypts Secrets is made here, before the cluster."""
    values: dict[str, Input[str]] = dict(credentials)
    wanted = secret_names(environment)
    if ENCRYPTION in wanted and ENCRYPTION not in values:
        key = random.RandomPassword("encryption-key", length=KEY_LENGTH, special=False)
        values[ENCRYPTION] = key.result
    if missing := [name for name in wanted if name not in values]:
        raise TerpError(f"no value for {', '.join(missing)}", hint="give them as `credentials`", exit_code=2)
    return {name: values[name] for name in wanted}
