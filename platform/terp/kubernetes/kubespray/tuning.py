"""A release of Kubespray made faster for one cluster, with the same result.

Whenever a task reads an entry of the dictionary `downloads`, Ansible renders all of it anew: about 70
entries, most of them off, each with all that it is made of. Rendered entries, those that are on, are free.
"""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue

from terp.errors import TerpError
from terp.kubernetes.kubespray.downloads import downloads
from terp.kubernetes.mirror.checksums import own_checksums, with_own
from terp.kubernetes.model import Run
from terp.kubernetes.runner.installation import Installation
from terp.virtualenv import Say

NAME = "downloads"
"""Kubespray's dictionary."""
RENDERED = "terp_downloads"
"""Ours: by architecture."""
PLAYBOOKS = frozenset(
    {"cluster.yml", "scale.yml", "upgrade-cluster.yml", "recover-control-plane.yml", "remove-node.yml"}
)
"""Those that read it: remove-node.yml would ask the release for checksums of what a mirror has of its own."""


def tuned(installation: Installation, run: Run, variables: Mapping[str, JsonValue], say: Say) -> Installation:
    """The installation with `downloads` rendered for a run with these group variables.

    A release that this cannot be done for stays as it is, and `say` is told why.
    """
    if run.playbook not in PLAYBOOKS:
        return installation
    say("asks Kubespray what the nodes will fetch")
    own = _own(variables, say)
    try:
        found = downloads(installation, run.kubernetes_version, variables)
        entries = verifiable({each: with_own(entries, own) for each, entries in found.entries.items()})
    except TerpError as error:
        say(f"leaves Kubespray's downloads as they are: {error.message}")
        return installation
    return replace(installation, variables={**installation.variables, **rendered(entries)})


def _own(variables: Mapping[str, JsonValue], say: Say) -> dict[str, str]:
    """Checksums of what the mirror has of its own; a mirror that only nodes reach has upstream's files."""
    mirror = variables.get("files_repo")
    try:
        return own_checksums(mirror) if isinstance(mirror, str) else {}
    except TerpError as error:
        say(f"takes all files to be upstream's: {error.message}")
        return {}


def verifiable(entries: Mapping[str, Mapping[str, JsonValue]]) -> dict[str, Mapping[str, JsonValue]]:
    """The architectures of which every file has a checksum: a mirror has its own files for one alone.

    Raises:
        TerpError: there is none.
    """
    without = {each: _without_checksum(found) for each, found in entries.items()}
    if all(without.values()):
        raise TerpError(f"there is no checksum of {', '.join(next(iter(without.values())))}")
    return {each: found for each, found in entries.items() if not without[each]}


def _without_checksum(found: Mapping[str, JsonValue]) -> list[str]:
    return [
        f"{name} ({entry.get('url')})"
        for name, entry in found.items()
        if isinstance(entry, dict) and entry.get("file") and not entry.get("checksum")
    ]


def rendered(entries: Mapping[str, Mapping[str, JsonValue]]) -> dict[str, JsonValue]:
    """Group variables that give each host the entries of its architecture."""
    by_architecture: dict[str, JsonValue] = {each: dict(found) for each, found in entries.items()}
    return {NAME: f"{{{{ {RENDERED}[ansible_architecture] }}}}", RENDERED: by_architecture}
