"""Argo CD itself is no stand-in: a chart around the manifests that its own source brings, with our settings.

It takes of our values what upstream's chart takes, too: `configs.cm` and `configs.params`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from terp.gitops.standins.files import Files

OURS = ("argocd-cm", "argocd-cmd-params-cm")
"""ConfigMaps that are made from values."""
LEFT_OUT = "argocd-dex-server"
"""Logins are those of the platform's own provider."""
SETTINGS = """\
{{- $ours := dict "argocd-cm" .Values.configs.cm "argocd-cmd-params-cm" .Values.configs.params }}
{{- range $name, $settings := $ours }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
  labels: { app.kubernetes.io/name: {{ $name }}, app.kubernetes.io/part-of: argocd }
data:
  {{- range $key, $value := $settings }}
  {{ $key }}: {{ $value | toString | quote }}
  {{- end }}
{{- end }}
"""


def chart(version: str, manifests: str) -> Files:
    """The chart; `manifests` is upstream's install.yaml."""
    about = {
        "apiVersion": "v2",
        "name": "argo-cd",
        "version": version,
        "description": "Argo CD from its source",
    }
    kept = list(_kept(manifests))
    return {
        "Chart.yaml": yaml.safe_dump(about),
        "values.yaml": yaml.safe_dump({"configs": {"cm": {}, "params": {}}}),
        "manifests.yaml": yaml.safe_dump_all(kept, sort_keys=False, width=1000),
        "templates/manifests.yaml": '{{ .Files.Get "manifests.yaml" }}\n',
        "templates/settings.yaml": SETTINGS,
    }


def _kept(manifests: str) -> Iterator[Mapping[str, Any]]:
    for each in yaml.load_all(manifests, yaml.CSafeLoader):
        name = each["metadata"]["name"]
        if name in OURS and each["kind"] == "ConfigMap":
            continue
        if not name.startswith(LEFT_OUT):
            yield _without_pulls(each)


def _without_pulls(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Images that are on the nodes already are taken from there."""
    template = manifest.get("spec", {}).get("template", {}).get("spec", {})
    for container in (*template.get("initContainers", ()), *template.get("containers", ())):
        container["imagePullPolicy"] = "IfNotPresent"
    return manifest
