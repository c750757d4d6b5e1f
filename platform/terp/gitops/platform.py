"""The platform of an environment, as a resource of the program; the provider behind it is ours."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions

from terp.environment.kubernetes import Kubernetes, kubernetes_version
from terp.environment.platform import Platform as Settings
from terp.gitops.credential import read_credential
from terp.gitops.reading import read_catalogue
from terp.gitops.resource import PLATFORM
from terp.gitops.root import root_values
from terp.provider.version import VERSION


class Platform(pulumi.CustomResource):
    """Argo CD and all that it deploys. `applications` are what became of each, by waves."""

    applications: Output[Sequence[Mapping[str, Any]]]

    def __init__(
        self,
        stack: str,
        settings: Settings,
        kubernetes: Kubernetes,
        kubeconfig: Input[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        """Roll the platform out on the cluster that `kubeconfig` opens.

        Raises:
            TerpError: components contradict each other, or the repository's credential cannot be read
                (exit code 2).
        """
        inputs: dict[str, Input[Any]] = {
            "name": stack,
            "kubeconfig": kubeconfig,
            "kubernetes_version": kubernetes_version(kubernetes),
            "git": settings.git.model_dump(mode="json"),
            "credential": Output.secret(read_credential(settings.git)),
            "values": root_values(stack, settings, read_catalogue()).plain(),
            "wave_limit": settings.wave_limit,
        }
        own = ResourceOptions(version=VERSION)
        super().__init__(PLATFORM, stack, {**inputs, "applications": None}, ResourceOptions.merge(own, opts))
