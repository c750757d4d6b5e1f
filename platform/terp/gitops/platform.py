"""The platform of an environment, as a resource of the program; the provider behind it is ours."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions

from terp.environment.environment import Environment
from terp.environment.kubernetes import kubernetes_version
from terp.environment.platform import Platform as Settings
from terp.environment.rules.kubernetes import EMBEDDED
from terp.gitops.credential import read_credential
from terp.gitops.embedded import handed_out
from terp.gitops.reading import read_catalogue
from terp.gitops.resource import PLATFORM
from terp.gitops.root import root_values
from terp.gitops.standins import is_stand_in
from terp.provider.version import VERSION


class Platform(pulumi.CustomResource):
    """Argo CD and all that it deploys. `applications` are what became of each, by waves."""

    applications: Output[Sequence[Mapping[str, Any]]]

    def __init__(
        self,
        stack: str,
        environment: Environment,
        settings: Settings,
        kubeconfig: Input[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        """Roll the platform out on the cluster that `kubeconfig` opens.

        Raises:
            TerpError: components contradict each other, or the repository's credential cannot be read
                (exit code 2).
        """
        platform, catalogue = settings, read_catalogue()
        if environment.cloud.name == EMBEDDED:
            platform, catalogue = handed_out(settings, catalogue)
        values = root_values(stack, platform, catalogue)
        inputs: dict[str, Input[Any]] = {
            "name": stack,
            "kubeconfig": kubeconfig,
            "kubernetes_version": kubernetes_version(environment.kubernetes),
            "git": platform.git.model_dump(mode="json"),
            "credential": Output.secret(read_credential(platform.git)),
            "values": values.plain(),
            "stand_ins": [
                name for name in values.applications if platform.stand_ins and is_stand_in(name, catalogue)
            ],
            "wave_limit": platform.wave_limit,
        }
        own = ResourceOptions(version=VERSION)
        super().__init__(PLATFORM, stack, {**inputs, "applications": None}, ResourceOptions.merge(own, opts))
