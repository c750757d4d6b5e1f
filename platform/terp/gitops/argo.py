"""The parts of Argo CD's own kinds that the root chart renders (Argo CD 3.5: Application, AppProject)."""

from typing import Literal

from pydantic import ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from terp.model import Model

SERVER = "https://kubernetes.default.svc"
"""The cluster that Argo CD runs in."""


class ArgoModel(Model):
    """Written in camel case, as Kubernetes has it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class HelmParameter(ArgoModel):
    """A value of a chart in which Argo CD replaces its own variables."""

    name: str
    value: str


class Helm(ArgoModel):
    """How a chart is rendered."""

    release_name: str
    value_files: tuple[str, ...]
    ignore_missing_value_files: Literal[True] = True
    skip_tests: Literal[True] = True
    """Pods of `helm test`, which Argo CD never runs."""
    values_object: dict[str, JsonValue] | None = None
    parameters: tuple[HelmParameter, ...] | None = None


class KustomizeTarget(ArgoModel):
    """Which objects a patch changes."""

    kind: str
    name: str | None = None


class KustomizePatch(ArgoModel):
    """A change of what a kustomization renders."""

    target: KustomizeTarget
    patch: str


class Kustomize(ArgoModel):
    """How a kustomization is rendered."""

    patches: tuple[KustomizePatch, ...]


class Directory(ArgoModel):
    """Which files of a folder are taken, as they are."""

    include: str


class ApplicationSource(ArgoModel):
    """Where manifests come from: a chart, a folder of a repository, or values for the other source."""

    repo_url: str = Field(alias="repoURL")
    target_revision: str
    chart: str | None = None
    path: str | None = None
    ref: str | None = None
    helm: Helm | None = None
    kustomize: Kustomize | None = None
    directory: Directory | None = None


class Destination(ArgoModel):
    """Where objects go that name no namespace."""

    server: str = SERVER
    namespace: str


class IgnoredDifference(ArgoModel):
    """Fields that Argo CD neither compares nor overwrites."""

    group: str
    kind: str
    name: str | None = None
    jq_path_expressions: tuple[str, ...]


class Automated(ArgoModel):
    """Git is the only way in."""

    prune: bool = True
    self_heal: bool = True


class Backoff(ArgoModel):
    """How long a failed sync waits."""

    duration: str = "10s"
    factor: int = 2
    max_duration: str = "5m"


class Retry(ArgoModel):
    """Without end, as webhooks may come a moment after their objects; and a newer commit takes its turn.

    A revision that has been given up is not tried again by itself (argo-cd#11494, #23038).
    """

    limit: int = -1
    refresh: bool = True
    backoff: Backoff = Backoff()


class NamespaceMetadata(ArgoModel):
    """Labels of the namespace that a sync makes."""

    labels: dict[str, str]


class SyncPolicy(ArgoModel):
    """How an Application is brought to what git says."""

    automated: Automated = Automated()
    retry: Retry = Retry()
    sync_options: tuple[str, ...]
    managed_namespace_metadata: NamespaceMetadata | None = None


class ApplicationSpec(ArgoModel):
    """One component."""

    project: str
    sources: tuple[ApplicationSource, ...]
    destination: Destination
    sync_policy: SyncPolicy
    ignore_differences: tuple[IgnoredDifference, ...] | None = None


class GroupKind(ArgoModel):
    """A kind."""

    group: str
    kind: str


class ProjectSpec(ArgoModel):
    """What the Applications of a layer may do."""

    description: str
    source_repos: tuple[str, ...]
    destinations: tuple[Destination, ...]
    cluster_resource_whitelist: tuple[GroupKind, ...]
