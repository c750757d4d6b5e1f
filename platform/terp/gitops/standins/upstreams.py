"""A folder that has every chart and every repository of others, as `terp gitops render --charts` takes it.

Served by HTTP it is a Helm repository, too, and has git repositories (`terp.cloud.services.sources`).
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Chart, Component, Manifests, Own
from terp.gitops.publication import publish
from terp.gitops.standins import argo_cd
from terp.gitops.standins.files import Files, chart, kustomization, word
from terp.gitops.versions import ChartRepository, GitRepository, Upstream

ARGO_CD = "argo-cd"
VERSION = "0.1.0"
"""Of charts of ours."""


def is_stand_in(name: str, catalogue: Catalogue) -> bool:
    """Whether it would be stood in for: what others make, and charts of ours that run images of others.

    Argo CD is had from its own source.
    """
    source = catalogue.components[name].source
    return name != ARGO_CD and not (isinstance(source, Own) and source.upstream is None)


def tree(catalogue: Catalogue) -> Files:
    """Charts of ours that run images of others, by their places in our repository."""
    ours = [name for name, each in catalogue.components.items() if isinstance(each.source, Own)]
    return {
        f"charts/{name}/{path}": text
        for name in ours
        if is_stand_in(name, catalogue)
        for path, text in chart(name, name, VERSION, catalogue).items()
    }


def write(folder: Path, catalogue: Catalogue, manifests: str, address: str = "") -> Catalogue:
    """Write all, and return the catalogue as it is when the folder is served at an address.

    `manifests` are Argo CD's own manifests.
    """
    commits = _write_repositories(folder, catalogue)
    _write_charts(folder, catalogue, manifests)
    if not address:
        address = folder.as_uri()
    found: dict[str, Upstream] = {}
    for name, upstream in catalogue.upstreams.items():
        match upstream:
            case ChartRepository():
                found[name] = upstream.model_copy(update={"charts": address, "digests": {}})
            case GitRepository():
                at = {"git": f"{address}/{upstream.name}", "commit": commits[name]}
                found[name] = upstream.model_copy(update=at)
            case _:
                found[name] = upstream
    components = {name: _unpatched(each) for name, each in catalogue.components.items()}
    return catalogue.model_copy(update={"upstreams": found, "components": components})


def _unpatched(component: Component) -> Component:
    """Patches are for what upstream has: they would give a stand-in upstream's images."""
    source = component.source
    if not isinstance(source, Manifests):
        return component
    return component.model_copy(update={"source": source.model_copy(update={"patches": ()})})


def _write_charts(folder: Path, catalogue: Catalogue, manifests: str) -> None:
    entries = {}
    for name, component in catalogue.components.items():
        if isinstance(component.source, Chart):
            chart_name, version = component.source.chart, catalogue.version(name)
            archive = folder / f"{chart_name}-{version}.tgz"
            files = (
                argo_cd.chart(version, manifests)
                if name == ARGO_CD
                else chart(name, chart_name, version, catalogue)
            )
            archive.write_bytes(_packed(chart_name, files))
            digest = hashlib.sha256(archive.read_bytes()).hexdigest()
            about = {"apiVersion": "v2", "name": chart_name, "version": version}
            entries[chart_name] = [{**about, "urls": [archive.name], "digest": digest}]
    (folder / "index.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "entries": entries}))


def _packed(root: str, files: Files) -> bytes:
    """The same bytes for the same files."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path, text in sorted(files.items()):
            member = tarfile.TarInfo(f"{root}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(plain.getvalue(), mtime=0)


def _write_repositories(folder: Path, catalogue: Catalogue) -> Mapping[str, str]:
    """The commit of each git repository, by the name of its upstream."""
    commits = {}
    for upstream, repository in catalogue.upstreams.items():
        if isinstance(repository, GitRepository):
            tree = {
                path: text
                for name, component in catalogue.components.items()
                if isinstance(component.source, Manifests) and component.source.upstream == upstream
                for path, text in _folders(name, component.source, catalogue).items()
            }
            commits[upstream] = publish(folder / repository.name, tree)
    return commits


def _folders(name: str, source: Manifests, catalogue: Catalogue) -> Files:
    """All of it in the first folder, and a word in each that lies beside."""
    first = {f"{source.path}/{path}": text for path, text in kustomization(name, catalogue).items()}
    others = {
        path: text
        for number, place in enumerate(source.beside)
        for path, text in word(f"{name}-{number}", place).items()
    }
    return {**first, **others}
