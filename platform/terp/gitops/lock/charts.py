"""Where the manifests of an environment come from: charts, and git repositories."""

from collections import defaultdict
from collections.abc import Mapping

from pydantic import Field

from terp.gitops.component import Chart, Manifests
from terp.gitops.intent import Intent
from terp.gitops.versions import ChartRepository, GitRepository
from terp.model import Model


class LockedChart(Model):
    """A chart of others."""

    chart: str = Field(description="Its name.")
    repository: str = Field(description="Upstream's address, also where a mirror takes its place.")
    version: str = Field(description="Its version.")
    digest: str | None = Field(description="SHA-256 of its archive, where versions.yaml has one.")
    components: tuple[str, ...] = Field(description="Who is made from it.")


class LockedRepository(Model):
    """A git repository of others."""

    repository: str = Field(description="Upstream's address, also where a mirror takes its place.")
    version: str = Field(description="The tag.")
    commit: str = Field(description="What is taken.")
    paths: dict[str, str] = Field(description="By component the folder that it is made from.")


class ChartLock(Model):
    """All that Argo CD fetches for an environment, beside our own repository."""

    stack: str = Field(description="The environment.")
    charts: tuple[LockedChart, ...] = Field(description="By name.")
    repositories: tuple[LockedRepository, ...] = Field(description="By address.")


def charts(intent: Intent) -> ChartLock:
    """Of the components of an environment."""
    of_charts: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    of_manifests: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name, component in intent.components.items():
        match component.source:
            case Chart(upstream=upstream, chart=chart):
                of_charts[chart, upstream].append(name)
            case Manifests(upstream=upstream, path=path):
                of_manifests[upstream][name] = path
    upstreams = intent.catalogue.upstreams
    return ChartLock(
        stack=intent.stack,
        charts=tuple(
            LockedChart(
                chart=chart,
                repository=repository.charts,
                version=repository.version,
                digest=repository.digests.get(chart),
                components=tuple(names),
            )
            for (chart, upstream), names in sorted(of_charts.items())
            if isinstance(repository := upstreams[upstream], ChartRepository)
        ),
        repositories=_repositories(intent, of_manifests),
    )


def _repositories(intent: Intent, paths: Mapping[str, dict[str, str]]) -> tuple[LockedRepository, ...]:
    found = (
        LockedRepository(
            repository=repository.git, version=repository.version, commit=repository.commit, paths=each
        )
        for upstream, each in paths.items()
        if isinstance(repository := intent.catalogue.upstreams[upstream], GitRepository)
    )
    return tuple(sorted(found, key=lambda each: each.repository))
