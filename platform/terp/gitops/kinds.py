"""The kinds that a cluster serves, and where their objects lie in its API."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

Resources = Callable[[str], Iterable[Mapping[str, Any]]]
"""Asks the API for the resources at a path (APIResourceList); nothing when it does not serve it."""


class Kind(NamedTuple):
    """How the API calls a kind in its paths."""

    plural: str
    namespaced: bool


class Kinds:
    """Asked again as long as a kind is not there: kinds come while the platform does."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._known: dict[str, Mapping[str, Kind]] = {}

    def path(self, version: str, kind: str, name: str = "", namespace: str = "") -> str | None:
        """Of an object, or of all objects without a name; None when the kind is not served."""
        found = self._known.get(version, {}).get(kind) or self._served(version).get(kind)
        if found is None:
            return None
        within = f"/namespaces/{namespace}" if found.namespaced and namespace else ""
        return f"{_root(version)}{within}/{found.plural}" + (f"/{name}" if name else "")

    def _served(self, version: str) -> Mapping[str, Kind]:
        self._known[version] = {
            each["kind"]: Kind(each["name"], each["namespaced"])
            for each in self._resources(_root(version))
            if "/" not in each["name"]
        }
        return self._known[version]


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
