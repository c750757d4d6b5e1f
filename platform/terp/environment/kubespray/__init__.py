"""What Terp knows of Kubespray's releases without their trees: one file each, made from the release itself.

`v2.31.0.json`: the commit of the tag, the Kubernetes versions in `checksums.yml` (the first is the default),
and every variable that its roles and sample inventory define or read.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

KNOWN = Path(__file__).parent
SOURCE = "https://github.com/kubernetes-sigs/kubespray"


def known_releases() -> tuple[str, ...]:
    """The tags that Terp knows, `v2.31.0`."""
    return tuple(sorted(file.stem for file in KNOWN.glob("v*.json")))


def known_commit(release: str) -> str | None:
    """The commit that the tag of this release stands at in the upstream repository."""
    return _known(release).get("commit")


def known_kubernetes(release: str) -> tuple[str, ...]:
    """The Kubernetes versions that this release installs, its default first; none if it is not known."""
    return tuple(_known(release).get("kubernetes", ()))


def known_variables(release: str) -> frozenset[str] | None:
    """The names of the variables that this release has, if it is known."""
    names = _known(release).get("variables")
    return None if names is None else frozenset(names)


@cache
def _known(release: str) -> Mapping[str, Any]:
    """What is in the file of a release; its shape is said above."""
    file = KNOWN / f"{release}.json"
    if release not in known_releases():
        return {}
    content: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content
