"""The platform: a cluster that carries it, components that there are, one provider of each capability."""

from collections.abc import Iterator
from typing import get_args

from terp.environment.components import known_components
from terp.environment.environment import Environment
from terp.environment.findings import Finding, did_you_mean
from terp.environment.platform import WORK_TREE, Providers
from terp.environment.rules.kubernetes import EMBEDDED

SPREAD = 3
"""Workers over which what must not fail is spread."""


def a_platform_has_a_cluster(environment: Environment) -> Iterator[Finding]:
    """Without Kubernetes there is nothing to deploy on."""
    if environment.platform and environment.kubernetes.installer == "none":
        yield Finding(
            key=("platform",),
            message="there is no Kubernetes for it, by",
            other=("kubernetes", "installer"),
            value="none",
            suggestion="leave it out; or installer: kubespray",
        )


def a_highly_available_platform_is_spread_over_nodes(environment: Environment) -> Iterator[Finding]:
    """Three replicas of a thing stand on three workers, which take pods of any kind."""
    pools = environment.nodes.pools.values()
    workers = sum(pool.count for pool in pools if not pool.taints)
    if environment.platform and environment.platform.profile == "ha" and workers < SPREAD:
        yield Finding(
            key=("platform", "profile"),
            message=f"ha needs {SPREAD} workers without taints; there are {workers} in",
            other=("nodes", "pools"),
            suggestion="more workers; or profile: small",
        )


def what_the_embedded_cloud_serves_is_served_nowhere_else(environment: Environment) -> Iterator[Finding]:
    """It hands the work tree and stand-ins to Argo CD on its own hosts; no other cloud has such a service."""
    platform = environment.platform
    if platform is None or environment.cloud.name == EMBEDDED:
        return
    asked = (
        (
            ("platform", "git", "repository"),
            platform.git.repository == WORK_TREE,
            "the address of a repository",
        ),
        (("platform", "stand_ins"), platform.stand_ins, "leave it out"),
    )
    for key, wrong, suggestion in asked:
        if wrong:
            yield Finding(
                key=key,
                message="only the embedded cloud serves this; the cloud here is",
                other=("cloud", "name"),
                value=environment.cloud.name,
                suggestion=suggestion,
            )


def switched_components_are_known(environment: Environment) -> Iterator[Finding]:
    """A switch that switches nothing is a misspelling."""
    for name in sorted(_switches(environment) - known_components()):
        yield Finding(
            key=("platform", "components", name),
            message=f'there is no component "{name}"',
            suggestion=did_you_mean(name, known_components()),
        )


def providers_are_chosen_by_their_capability(environment: Environment) -> Iterator[Finding]:
    """A switch would leave a capability without a provider, or with two."""
    for capability, field in Providers.model_fields.items():
        for name in sorted(_switches(environment) & options(field.annotation)):
            on = environment.platform and environment.platform.components[name]
            yield Finding(
                key=("platform", "components", name),
                message="a provider is not switched, but chosen by",
                other=("platform", "providers", capability),
                value=str(getattr(environment.platform and environment.platform.providers, capability)),
                suggestion=f"providers: {{ {capability}: {name} }}" if on else "leave it out",
            )


def _switches(environment: Environment) -> frozenset[str]:
    return frozenset(environment.platform.components if environment.platform else ())


def options(annotation: object) -> frozenset[str]:
    """The names in `Literal["minio", "seaweedfs"] | Https`."""
    inner = get_args(annotation)
    return frozenset().union(*map(options, inner)) | frozenset(
        each for each in inner if isinstance(each, str)
    )


PLATFORM = (
    a_platform_has_a_cluster,
    what_the_embedded_cloud_serves_is_served_nowhere_else,
    a_highly_available_platform_is_spread_over_nodes,
    switched_components_are_known,
    providers_are_chosen_by_their_capability,
)
