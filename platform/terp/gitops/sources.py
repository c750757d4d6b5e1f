"""Where the manifests of a component come from, as Argo CD takes it."""

import re
from collections.abc import Mapping
from typing import cast

from pydantic import JsonValue

from terp.environment.platform import Platform
from terp.gitops.argo import (
    ApplicationSource,
    Directory,
    Helm,
    Kustomize,
    KustomizePatch,
    KustomizeTarget,
)
from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Chart, Component, Manifests, Own
from terp.gitops.facts import Words, fill, filled
from terp.gitops.surroundings import CHART, Surroundings
from terp.gitops.versions import ChartRepository, GitRepository, ImageRepository

OCI = "oci://"
FILE = (".yaml", ".yml")
"""What tells one file of a repository from a folder."""
UNESCAPED_DOT = re.compile(r"(?<!\\)\.")
REVISION = "$revision"
"""Of our own repository; the root chart puts it in."""


def sources(
    name: str, catalogue: Catalogue, platform: Platform, known: Words
) -> tuple[ApplicationSource, ...]:
    """Upstream's chart with our values from git; upstream's manifests; or a chart of ours."""
    component = catalogue.components[name]
    git, folder = platform.git, f"charts/{name}"
    match component.source:
        case Chart(upstream=upstream, chart=chart):
            repository = cast("ChartRepository", catalogue.upstreams[upstream])
            return (
                ApplicationSource(
                    repo_url=_charts(repository, platform),
                    chart=chart,
                    target_revision=repository.version,
                    helm=_helm(name, f"$values/{folder}/", component, platform.profile, known),
                ),
                ApplicationSource(repo_url=git.repository, target_revision=REVISION, ref="values"),
            )
        case Manifests(upstream=upstream, path=path, beside=beside, patches=patches):
            at = cast("GitRepository", catalogue.upstreams[upstream])
            changes = tuple(
                KustomizePatch(
                    target=KustomizeTarget(**each.target.model_dump()), patch=filled(each.patch, known)
                )
                for each in patches
            )
            kustomize = Kustomize(patches=changes) if changes else None
            return tuple(
                _manifests(_git(at, platform), at.commit, each, kustomize) for each in (path, *beside)
            )
        case Own(upstream=upstream):
            image = cast("ImageRepository", catalogue.upstreams[upstream]) if upstream else None
            told = {**known, "image": f"{image.image}:{image.version}"} if image else known
            helm = _helm(name, "", component, platform.profile, told)
            return (
                ApplicationSource(repo_url=git.repository, path=folder, target_revision=REVISION, helm=helm),
            )


def _manifests(url: str, commit: str, path: str, kustomize: Kustomize | None) -> ApplicationSource:
    """A folder, or one file of a folder, which no patch reaches."""
    folder, _, file = path.rpartition("/")
    if file.endswith(FILE):
        include = Directory(include=file)
        return ApplicationSource(repo_url=url, path=folder, target_revision=commit, directory=include)
    return ApplicationSource(repo_url=url, path=path, target_revision=commit, kustomize=kustomize)


def surroundings_source(name: str, values: Surroundings, platform: Platform) -> ApplicationSource:
    """What follows from its declaration."""
    helm = Helm(
        release_name=f"{name}-{CHART}",
        value_files=("values.yaml",),
        values_object=values.model_dump(mode="json", by_alias=True, exclude_none=True),
    )
    git = platform.git
    return ApplicationSource(
        repo_url=git.repository, path=f"charts/{CHART}", target_revision=REVISION, helm=helm
    )


def _helm(name: str, place: str, component: Component, profile: str, known: Words) -> Helm:
    files = (f"{place}values.yaml", f"{place}values-{profile}.yaml")
    return Helm(
        release_name=name,
        value_files=files,
        values_object=nested({key: fill(text, known) for key, text in component.values.items()}) or None,
    )


def _charts(repository: ChartRepository, platform: Platform) -> str:
    """Argo CD writes places in registries without their scheme."""
    return (platform.mirror.charts if platform.mirror else repository.charts).removeprefix(OCI)


def _git(repository: GitRepository, platform: Platform) -> str:
    return f"{platform.mirror.git.rstrip('/')}/{repository.name}" if platform.mirror else repository.git


def nested(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    r"""`{"a.b": 1}` as `{"a": {"b": 1}}`; a dot in a key itself is written `\.`, as for Helm's --set."""
    tree: dict[str, JsonValue] = {}
    for key, value in values.items():
        *above, last = (step.replace("\\.", ".") for step in UNESCAPED_DOT.split(key))
        here = tree
        for step in above:
            here = cast("dict[str, JsonValue]", here.setdefault(step, {}))
        here[last] = value
    return tree
