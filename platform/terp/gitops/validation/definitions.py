"""The schemas that rendered CustomResourceDefinitions bring."""

from collections.abc import Iterable, Mapping

from terp.gitops.references.made import CRD
from terp.gitops.references.things import Manifest, at, each
from terp.gitops.validation.form import Form, Node


class Definitions:
    """Schemas by kind, group and version; `metadata` is the form of every object's."""

    def __init__(self, manifests: Iterable[Manifest], metadata: Form) -> None:
        self._metadata = metadata
        self._versions: dict[tuple[str, str], Mapping[str, Node]] = {}
        for manifest in manifests:
            if manifest.get("kind") == CRD:
                kind, group = at(manifest, "spec.names.kind"), at(manifest, "spec.group")
                self._versions[kind, group] = {
                    version["name"]: at(version, "schema.openAPIV3Schema") or {}
                    for version in each(manifest, "spec.versions")
                    if version.get("served")
                }

    def versions(self, kind: str, group: str) -> tuple[str, ...]:
        """Those that are served; none of a kind that no definition is rendered of."""
        return tuple(self._versions.get((kind, group), ()))

    def form(self, kind: str, group: str, version: str) -> Form | None:
        """The schema of a kind, if it is served in this version."""
        node = self._versions.get((kind, group), {}).get(version)
        if node is None:
            return None
        text = {"type": "string"}
        fields = {"apiVersion": text, "kind": text, "metadata": self._metadata.node}
        return Form({**node, "properties": {**node.get("properties", {}), **fields}}, self._metadata.others)
