"""A release of Kubespray made faster for one cluster, with the same result.

For each download Ansible renders the whole dictionary `downloads` anew, about 70 entries with all that they
are made of, and most of them are switched off. With those that are on alone, that work is less than half.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import yaml
from pydantic import JsonValue

from terp.errors import TerpError
from terp.kubernetes.kubespray.downloads import downloads
from terp.kubernetes.model import Run
from terp.kubernetes.runner.installation import Installation
from terp.virtualenv import Say

DEFINED = "roles/kubespray_defaults/defaults/main/download.yml"
NAME = "downloads"
PLAYBOOKS = frozenset({"cluster.yml", "scale.yml", "upgrade-cluster.yml", "recover-control-plane.yml"})
"""Those that download."""


def tuned(installation: Installation, run: Run, variables: Mapping[str, JsonValue], say: Say) -> Installation:
    """The installation with a `downloads` of its own for a run with these group variables.

    A release that this cannot be done for stays as it is, and `say` is told why.
    """
    if run.playbook not in PLAYBOOKS:
        return installation
    say("asks Kubespray what the nodes will fetch")
    try:
        enabled = downloads(installation, run.kubernetes_version, variables).enabled
        chosen = only(defined(installation.playbooks), enabled)
    except TerpError as error:
        say(f"leaves Kubespray's downloads as they are: {error.message}")
        return installation
    return replace(installation, variables={**installation.variables, NAME: chosen})


def only(entries: Mapping[str, JsonValue], enabled: Iterable[str]) -> dict[str, JsonValue]:
    """Those of the entries that are enabled, unrendered: hosts differ in what they are made of."""
    wanted = set(enabled)
    return {name: entry for name, entry in entries.items() if name in wanted}


def defined(tree: Path) -> Mapping[str, JsonValue]:
    """The tree's own dictionary.

    Raises:
        TerpError: it is not where it should be.
    """
    file = tree / DEFINED
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))[NAME]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise TerpError(f"no {NAME} in {file}: {error}") from error
    if not isinstance(found, dict):
        raise TerpError(f"{NAME} in {file} is no dictionary")
    return found
