"""Objects as text that can be compared; what a Secret holds never appears in it."""

import base64
import difflib
from collections.abc import Mapping

import yaml

from terp.gitops.references.things import Manifest

MASKED = "(secret)"
BEFORE, AFTER = "(secret, before)", "(secret, after)"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
TRACKING = "argocd.argoproj.io/tracking-id"
OF_THE_SERVER = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
"""Metadata that only the API server writes."""
WIDTH = 110


class _Dumper(yaml.SafeDumper):
    """Text of several lines stands in lines, so that its differences are lines, too."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def unified(before: Manifest | None, after: Manifest | None) -> str:
    """The lines that differ, each with its neighbours; empty when there is no difference."""
    old, new = masked(before and plain(before), after and plain(after))
    lines = difflib.unified_diff(_lines(old), _lines(new), lineterm="")
    return "\n".join(list(lines)[2:])  # without names of files


def plain(manifest: Manifest) -> Manifest:
    """Without what API server and Argo CD add."""
    metadata = {
        key: each for key, each in (manifest.get("metadata") or {}).items() if key not in OF_THE_SERVER
    }
    notes = {
        key: each
        for key, each in (metadata.pop("annotations", None) or {}).items()
        if key not in (LAST_APPLIED, TRACKING)
    }
    if notes:
        metadata["annotations"] = notes
    return {**{key: each for key, each in manifest.items() if key != "status"}, "metadata": metadata}


def masked(before: Manifest | None, after: Manifest | None) -> tuple[Manifest | None, Manifest | None]:
    """Both without the values of Secrets; where these differ, the marks in their place do."""
    old, new = _values(before), _values(after)
    same = {key: MASKED for key in old.keys() & new.keys() if old[key] == new[key]}
    return (
        _with_values(before, {**dict.fromkeys(old, BEFORE if after else MASKED), **same}),
        _with_values(after, {**dict.fromkeys(new, AFTER if before else MASKED), **same}),
    )


def _values(manifest: Manifest | None) -> Mapping[str, str]:
    """As the API server keeps them."""
    if manifest is None or not is_secret(manifest):
        return {}
    written = {key: _encoded(str(each)) for key, each in (manifest.get("stringData") or {}).items()}
    return {**(manifest.get("data") or {}), **written}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def is_secret(manifest: Manifest) -> bool:
    """Whether its values are nobody's business."""
    return (manifest.get("apiVersion"), manifest.get("kind")) == ("v1", "Secret")


def _with_values(manifest: Manifest | None, values: Mapping[str, str]) -> Manifest | None:
    if manifest is None or not is_secret(manifest):
        return manifest
    rest = {key: each for key, each in manifest.items() if key not in ("data", "stringData")}
    return {**rest, **({"data": values} if values else {})}


def _lines(manifest: Manifest | None) -> list[str]:
    if manifest is None:
        return []
    text: str = yaml.dump(dict(manifest), Dumper=_Dumper, sort_keys=True, width=WIDTH, allow_unicode=True)
    return text.splitlines()
