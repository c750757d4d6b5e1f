"""The files of a stand-in: a Helm chart, or a kustomization."""

from collections.abc import Iterable, Mapping

import yaml

from terp.gitops.catalogue import Catalogue
from terp.gitops.sources import FILE
from terp.gitops.standins.objects import READY_AFTER, VALUES, Object, definitions, objects

Files = Mapping[str, str]
"""Texts by path."""
READY = "1s"
"""How long a pod takes, if nothing else is said."""
MERGED = """\
apiVersion: v1
kind: ConfigMap
metadata: { name: %s-values }
data:
  values.yaml: {{ .Values | toYaml | toJson }}
"""
"""All values as Helm has merged them, to be looked at."""


def chart(name: str, chart_name: str, version: str, catalogue: Catalogue) -> Files:
    """Its pods are made anew when any value changes, and take as long as `standIn.readyAfter` says."""
    pod = {READY_AFTER: "{{ .Values.standIn.readyAfter }}", VALUES: "{{ .Values | toYaml | sha256sum }}"}
    about = {"apiVersion": "v2", "name": chart_name, "version": version, "description": f"Stand-in of {name}"}
    return {
        "Chart.yaml": yaml.safe_dump(about),
        "values.yaml": yaml.safe_dump({"standIn": {"readyAfter": READY}}),
        "crds/all.yaml": _documents(definitions(name, catalogue)),
        "templates/all.yaml": _documents(objects(name, catalogue, pod)),
        "templates/values.yaml": MERGED % name,
    }


def kustomization(name: str, catalogue: Catalogue) -> Files:
    """The same without values."""
    every = [*definitions(name, catalogue), *objects(name, catalogue, {READY_AFTER: READY})]
    return {
        "kustomization.yaml": yaml.safe_dump({"resources": ["all.yaml"]}),
        "all.yaml": _documents(every),
    }


def word(name: str, place: str) -> Files:
    """A kustomization in a folder, or a file, that only says that it is one."""
    note = _documents([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-stand-in"}}])
    if place.endswith(FILE):
        return {place: note}
    return {
        f"{place}/kustomization.yaml": yaml.safe_dump({"resources": ["all.yaml"]}),
        f"{place}/all.yaml": note,
    }


def _documents(every: Iterable[Object]) -> str:
    return yaml.safe_dump_all(every, sort_keys=False, width=1000)
