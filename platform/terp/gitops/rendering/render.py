"""What Argo CD would apply: of the root Application, and of each of its children."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import yaml

from terp.environment.findings import did_you_mean
from terp.errors import TerpError
from terp.gitops import argo
from terp.gitops.application import NAMESPACE, ROOT
from terp.gitops.argo import ApplicationSource, ApplicationSpec, KustomizeTarget
from terp.gitops.catalogue import Catalogue
from terp.gitops.intent import Intent
from terp.gitops.references.things import Manifest, name_of
from terp.gitops.rendering.helm import Cluster, Helm, Release
from terp.gitops.rendering.kustomize import Kustomize, kustomization
from terp.gitops.rendering.upstreams import Upstreams
from terp.gitops.root import RootValues
from terp.gitops.versions import ChartRepository
from terp.paths import PROJECT, cache_dir
from terp.tools import Toolchain

PLAIN = (".yaml", ".yml", ".json")
SEPARATOR = "\n---\n"
OURS = "$values/"


TEXT_TO_KUBERNETES = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
"""What YAML 1.1 takes for a date, and the sign `=`, which CRDs have among their enumerations."""


class _Loader(yaml.CSafeLoader):
    """Reads scalars as Kubernetes does."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] not in TEXT_TO_KUBERNETES]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


class Rendered(NamedTuple):
    """The manifests of one Application, or why there are none."""

    name: str
    text: str = ""
    error: TerpError | None = None

    @property
    def objects(self) -> list[Manifest]:
        """What they say."""
        return [each for each in yaml.load_all(self.text, _Loader) if each]


class Renderer:
    """Renders Applications; `own` is the address of our repository, which is the work tree `tree`."""

    def __init__(
        self,
        helm: Helm,
        kustomize: Kustomize,
        upstreams: Upstreams,
        cluster: Cluster,
        own: str,
        tree: Path = PROJECT,
    ) -> None:
        self._helm, self._kustomize, self._upstreams = helm, kustomize, upstreams
        self._cluster, self._own, self._tree = cluster, own, tree

    def root(self, values: RootValues) -> Rendered:
        """The root chart: projects and Applications."""
        chart = self._tree / "charts" / ROOT
        release = Release(name=ROOT, namespace=NAMESPACE, chart=chart, values=values.plain())
        return Rendered(ROOT, self._helm.template(release, self._cluster))

    def application(self, name: str, spec: ApplicationSpec) -> Rendered:
        """One component; what goes wrong is said in the place of manifests."""
        try:
            texts = [self._source(each, spec.destination.namespace) for each in spec.sources if not each.ref]
            self._require_targets(spec)
        except TerpError as error:
            return Rendered(name, error=error)
        return Rendered(name, SEPARATOR.join(texts))

    def _source(self, source: ApplicationSource, namespace: str) -> str:
        place = self._place(source)
        if source.helm:
            return self._helm.template(self._release(place, source.helm, namespace), self._cluster)
        if source.directory:
            return (place / source.directory.include).read_text()
        if kustomization(place):
            patches = source.kustomize.patches if source.kustomize else ()
            return self._kustomize.build(place, patches)
        return SEPARATOR.join(each.read_text() for each in sorted(place.iterdir()) if each.suffix in PLAIN)

    def _require_targets(self, spec: ApplicationSpec) -> None:
        """Kustomize is silent about a patch whose target is not there, which upstream may have renamed."""
        patched = [(each, each.kustomize.patches) for each in spec.sources if each.kustomize]
        targets = [each.target for _, patches in patched[:1] for each in patches]
        texts = [self._kustomize.build(self._place(each), ()) for each, _ in patched]
        there = [each for text in texts for each in yaml.load_all(text, yaml.CSafeLoader) if each]
        for target in targets:
            if not any(_is_target(target, each) for each in there):
                what = f"{target.kind} {target.name or ''}".rstrip()
                raise TerpError(f"a patch has no target: there is no {what}", exit_code=2)

    def _place(self, source: ApplicationSource) -> Path:
        if source.chart:
            return self._upstreams.chart(source.repo_url, source.chart, source.target_revision)
        ours = source.repo_url == self._own
        tree = self._tree if ours else self._upstreams.repository(source.repo_url, source.target_revision)
        return tree / (source.path or "")

    def _release(self, chart: Path, helm: argo.Helm, namespace: str) -> Release:
        """Value files that are not there are left out, as the Applications say."""
        files = (self._value_file(chart, each) for each in helm.value_files)
        return Release(
            name=helm.release_name,
            namespace=namespace,
            chart=chart,
            value_files=tuple(file for file in files if file.exists()),
            values=helm.values_object or {},
        )

    def _value_file(self, chart: Path, name: str) -> Path:
        """`$values/...` lies in our repository, anything else beside the chart."""
        return self._tree / name.removeprefix(OURS) if name.startswith(OURS) else chart / name


def rendered(
    programs: Renderer, values: RootValues, only: str | None = None
) -> Iterator[tuple[float, Rendered]]:
    """The root and then all by waves, or `only` one; each with the share that is done with it.

    Raises:
        TerpError: `only` is none of them (exit code 2).
    """
    applications = values.applications
    names = (ROOT, *sorted(applications, key=lambda name: (applications[name].wave, name)))
    if only and only not in names:
        hint = did_you_mean(only, names)
        raise TerpError(f'"{only}" is no component of this environment', hint=hint, exit_code=2)
    chosen = (only,) if only else names
    for number, name in enumerate(chosen, 1):
        found = programs.root(values) if name == ROOT else programs.application(name, applications[name].spec)
        yield number / len(chosen), found


def _is_target(target: KustomizeTarget, manifest: Manifest) -> bool:
    """Names are regular expressions; the hash of a generated one comes after the patches."""
    name = rf"(?:{target.name})(-[a-z0-9]{{10}})?" if target.name else ".*"
    return bool(target.kind == manifest.get("kind") and re.fullmatch(name, name_of(manifest)))


def cluster_of(intent: Intent) -> Cluster:
    """The cluster once all is there: charts ask which kinds it has."""
    kinds = {
        kind
        for component in intent.components.values()
        for crd in component.crds
        for served in crd.versions
        for kind in (f"{crd.group}/{served}", f"{crd.group}/{served}/{crd.kind}")
    }
    return Cluster(version=intent.kubernetes, kinds=tuple(sorted(kinds)))


@contextmanager
def renderer(toolchain: Toolchain, intent: Intent, given: Path | None = None) -> Iterator[Renderer]:
    """Renders what an environment wants; a folder that is `given` has all that others make."""
    git = intent.platform.git
    with _programs(toolchain, given or intent.served, pinned(intent.catalogue)) as programs:
        *_, upstreams = programs
        tree = upstreams.repository(git.repository, git.revision) if intent.served else intent.tree
        yield Renderer(*programs, cluster_of(intent), git.repository, tree)


@contextmanager
def renderer_for(toolchain: Toolchain, cluster: Cluster, own: str) -> Iterator[Renderer]:
    """Renders for a cluster; `own` is the address of what lies in this tree."""
    with _programs(toolchain) as programs:
        yield Renderer(*programs, cluster, own)


@contextmanager
def _programs(
    toolchain: Toolchain, given: Path | None = None, digests: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[Helm, Kustomize, Upstreams]]:
    """They leave only what they have fetched."""
    with tempfile.TemporaryDirectory(prefix="terp-render-") as name:
        scratch = Path(name)
        helm = Helm(toolchain.path("helm"), scratch / "helm")
        upstreams = Upstreams(helm, cache_dir() / "upstreams", scratch / "upstreams", given, digests)
        yield helm, Kustomize(toolchain.path("kustomize")), upstreams


def pinned(catalogue: Catalogue) -> dict[str, str]:
    """The digests of charts that are known, by `<chart>-<version>`."""
    return {
        f"{chart}-{upstream.version}": digest
        for upstream in catalogue.upstreams.values()
        if isinstance(upstream, ChartRepository)
        for chart, digest in upstream.digests.items()
    }
