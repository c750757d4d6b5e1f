"""The values of the root chart, `charts/platform`: a pure function of the catalogue and an environment."""

import json
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from terp.environment.platform import Platform
from terp.gitops.argo import (
    ApplicationSpec,
    ArgoModel,
    Destination,
    IgnoredDifference,
    NamespaceMetadata,
    ProjectSpec,
    SyncPolicy,
)
from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Component
from terp.gitops.facts import facts_of, words
from terp.gitops.graph import graph
from terp.gitops.projects import ADMISSION, projects
from terp.gitops.selection import select
from terp.gitops.sources import sources, surroundings_source
from terp.gitops.surroundings import surroundings
from terp.gitops.wiring import lists

POD_SECURITY = "pod-security.kubernetes.io/enforce"
STANDARDS = ("privileged", "baseline", "restricted")
"""Of Pod Security, the one that allows most first."""
SYNC_OPTIONS = ("CreateNamespace=true", "PruneLast=true", "SkipDryRunOnMissingResource=true")
"""Of every Application. A kind that comes with its objects is not there yet when they are tried out."""
BIG_KINDS = "ServerSideApply=true"
"""Of those that bring CRDs: a client's apply writes them into an annotation, which holds 256 KiB at most."""
OTHERS_WRITE = "RespectIgnoreDifferences=true"
"""What is ignored is not overwritten by the next sync, either."""


class WavedApplication(ArgoModel):
    """An Application and its place in the order."""

    wave: int
    spec: ApplicationSpec


class RootValues(ArgoModel):
    """All that the root chart needs to know.

    Applications have `$revision` where the revision of our repository belongs, and the chart puts it there.
    When that is the commit that Argo CD has read the chart from, every commit passes through the waves.
    """

    revision: str
    projects: dict[str, ProjectSpec]
    applications: dict[str, WavedApplication]

    def plain(self) -> dict[str, JsonValue]:
        """As it is handed to Helm."""
        found: dict[str, JsonValue] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return found


def root_values(stack: str, platform: Platform, catalogue: Catalogue) -> RootValues:
    """The platform of an environment.

    Raises:
        TerpError: what is switched off is needed, or needs form a cycle (exit code 2).
    """
    selected = select(catalogue, platform)
    order = graph(selected.needs)
    facts = facts_of(stack, platform)
    known = words(facts, lists(selected, facts), catalogue, platform.providers.chosen)
    around = {
        name: (surroundings_source(name, each, platform),)
        for name, each in surroundings(selected, facts, known).items()
    }
    applications = {
        name: WavedApplication(
            wave=order.wave(name),
            spec=ApplicationSpec(
                project=component.layer,
                sources=(*sources(name, catalogue, platform, known), *around.get(name, ())),
                destination=Destination(namespace=component.namespace),
                sync_policy=_sync_policy(component, selected.components.values()),
                ignore_differences=ignored(component) or None,
            ),
        )
        for name, component in selected.components.items()
    }
    repositories = {
        name: tuple(source.repo_url for source in each.spec.sources) for name, each in applications.items()
    }
    return RootValues(
        revision=platform.git.revision,
        projects=projects(catalogue.components, repositories),
        applications=applications,
    )


def ignored(component: Component) -> tuple[IgnoredDifference, ...]:
    """What others write: the authority of webhooks, and what the component declares."""
    webhooks = (
        IgnoredDifference(
            group=ADMISSION,
            kind=f"{each.capitalize()}WebhookConfiguration",
            jq_path_expressions=(".webhooks[]?.clientConfig.caBundle",),
        )
        for each in component.webhooks
    )
    declared = (
        IgnoredDifference(group=each.group, kind=each.kind, name=each.name, jq_path_expressions=each.jq)
        for each in component.ignore
    )
    return (*webhooks, *declared)


def _sync_policy(component: Component, selected: Iterable[Component]) -> SyncPolicy:
    options = (
        *SYNC_OPTIONS,
        *((BIG_KINDS,) if component.crds else ()),
        *((OTHERS_WRITE,) if ignored(component) else ()),
    )
    standard = pod_security(component.namespace, selected)
    metadata = NamespaceMetadata(labels={POD_SECURITY: standard}) if standard else None
    return SyncPolicy(sync_options=options, managed_namespace_metadata=metadata)


def pod_security(namespace: str, selected: Iterable[Component]) -> str | None:
    """What a namespace enforces: the least strict of its components, so that none of them contradicts."""
    asked = [each.pod_security for each in selected if each.namespace == namespace and each.pod_security]
    return min(asked, key=STANDARDS.index, default=None)


def published_schema(values: type[ArgoModel]) -> str:
    """What `values.schema.json` holds beside the values of a chart; Helm checks them by it."""
    schema: Mapping[str, JsonValue] = values.model_json_schema(by_alias=True)
    draft = {"$schema": "http://json-schema.org/draft-07/schema#"}  # what every Helm takes
    text = json.dumps({**draft, **schema}, indent=2).replace("#/$defs/", "#/definitions/")
    return text.replace('"$defs":', '"definitions":') + "\n"
