"""Kubernetes' own schemas, of any version: they lie in the Go module of Kubernetes, made from its API server.

`api/openapi-spec/v3` of `k8s.io/kubernetes` has a file for each group and version (Kubernetes 1.36).
"""

import json
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from terp.command import CommandError
from terp.errors import TerpError
from terp.gitops.validation.form import KEEP, Form, Node
from terp.paths import PROJECT
from terp.progress import Task
from terp.tools.golang import Go, Running, find_go
from terp.tools.versions import read_versions, this_platform

MODULE = "k8s.io/kubernetes"
METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
LIMIT = 600.0
"""Seconds to fetch 20 MB."""


class Kubernetes:
    """The schemas in a folder of them."""

    def __init__(self, version: str, folder: Path) -> None:
        self.version, self._folder = version, folder
        self._read: dict[str, Mapping[str, Node]] = {}

    @property
    def metadata(self) -> Form:
        """Of every object."""
        schemas = self._schemas("api__v1")
        return Form(schemas[METADATA], schemas)

    def form(self, kind: str, group: str, version: str) -> Form | None:
        """The schema of a kind, if Kubernetes has it."""
        schemas = self._schemas(f"apis__{group}__{version}" if group else f"api__{version}")
        node = schemas.get(self._kinds.get((kind, group, version), ""))
        return None if node is None else Form(node, schemas)

    def elsewhere(self, kind: str) -> tuple[str, ...]:
        """The groups and versions that have a kind of this name."""
        return tuple(sorted(f"{group}/{v}".strip("/") for name, group, v in self._kinds if name == kind))

    @cached_property
    def _kinds(self) -> Mapping[tuple[str, str, str], str]:
        """By kind, group and version the name of the schema."""
        return {
            (each["kind"], each["group"], each["version"]): name
            for file in sorted(self._folder.glob("api*__*_openapi.json"))
            for name, node in self._schemas(file.name.removesuffix("_openapi.json")).items()
            for each in node.get("x-kubernetes-group-version-kind", ())
        }

    def _schemas(self, document: str) -> Mapping[str, Node]:
        if document not in self._read:
            file = self._folder / f"{document}_openapi.json"
            found = json.loads(file.read_bytes())["components"]["schemas"] if file.exists() else {}
            self._read[document] = {name: _open(node) for name, node in found.items()}
        return self._read[document]


def _open(node: Node) -> Node:
    """What Kubernetes itself does not describe, it takes as it is."""
    described = "properties" in node or "additionalProperties" in node
    return node if described else {**node, KEEP: True}


def schemas_of(version: str | None, task: Task) -> Kubernetes:
    """The schemas of a version, fetched once and verified as Go does it.

    Raises:
        TerpError: the version is not known (exit code 2), or its module cannot be had.
    """
    if not version:
        raise TerpError(
            "the version of Kubernetes is not known", hint="kubernetes.version says it", exit_code=2
        )
    with tempfile.TemporaryDirectory(prefix="terp-schemas-") as name:
        scratch = Path(name)
        go = find_go(read_versions().go, this_platform(), scratch / "temporary", Running(), task.update)
        task.update(f"schemas of Kubernetes {version}")
        return Kubernetes(version, _module(version, scratch, go) / "api" / "openapi-spec" / "v3")


def _module(version: str, scratch: Path, go: Go) -> Path:
    """Where the module's files lie; of versions that the toolchain builds, by the sums that it pins."""
    (scratch / "go.mod").write_text("module terp/schemas\n")
    (scratch / "go.sum").write_text("".join(_pinned_sums()))
    command = ("mod", "download", "-json", f"{MODULE}@v{version}")
    try:
        said, _ = go.run(command, scratch, LIMIT, lambda _: None)
    except CommandError as error:
        hint = "is it a version that there is, and is Go's module proxy reached?"
        raise TerpError(f"Kubernetes {version} has no schemas here: {error.message}", hint=hint) from error
    return Path(json.loads(said[said.index("{") :])["Dir"])


def _pinned_sums() -> list[str]:
    files = sorted((PROJECT / "scripts" / "tools").glob("kubernetes-components*/go.sum"))
    return [
        line
        for file in files
        for line in file.read_text().splitlines(keepends=True)
        if line.startswith(f"{MODULE} ")
    ]
