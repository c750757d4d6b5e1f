"""The `helm` program."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import JsonValue

from terp.command import Command
from terp.model import Model

OCI = "oci://"


class Cluster(Model):
    """What charts are told of the cluster that they are rendered for."""

    version: str | None
    kinds: tuple[str, ...] = ()
    """`group/version` and `group/version/Kind` of what is there beside Kubernetes' own kinds."""


class Release(Model):
    """A chart and its values: files first, then what the Application itself says."""

    name: str
    namespace: str
    chart: Path
    value_files: tuple[Path, ...] = ()
    values: Mapping[str, JsonValue] = {}


class Helm:
    """Renders charts and fetches them, and nothing else."""

    def __init__(self, program: Path, home: Path) -> None:
        """Nothing of the user's own Helm is read or written: `home` has its settings and caches."""
        kinds = ("CONFIG", "CACHE", "DATA")
        env = {f"HELM_{kind}_HOME": str(home / kind.lower()) for kind in kinds}
        self._command = Command((str(program),), timeout=120, env=env)

    def template(self, release: Release, cluster: Cluster) -> str:
        """As Argo CD 3.5 calls it (util/helm/cmd.go): CRDs included, hooks, too.

        Raises:
            CommandError: the chart refuses its values, or is none.
        """
        options = (
            "--name-template",
            release.name,
            "--namespace",
            release.namespace,
            "--include-crds",
            "--skip-tests",
        )
        files = (argument for file in release.value_files for argument in ("--values", str(file)))
        kinds = (argument for kind in cluster.kinds for argument in ("--api-versions", kind))
        version = ("--kube-version", cluster.version) if cluster.version else ()
        command = ("template", str(release.chart), *options, *version, *kinds, *files, "--values", "-")
        return self._command.output(*command, stdin=json.dumps(release.values))

    def pull(self, repository: str, chart: str, version: str, into: Path) -> None:
        """Put the archive of a chart into a folder; places in registries are written without a scheme.

        Raises:
            CommandError: it cannot be had.
        """
        self._command.run("pull", *_place(repository, chart), "--version", version, "--destination", into)


def _place(repository: str, chart: str) -> Iterable[str]:
    return (chart, "--repo", repository) if "://" in repository else (f"{OCI}{repository}/{chart}",)
