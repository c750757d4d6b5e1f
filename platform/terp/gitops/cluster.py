"""The cluster that the platform is rolled out on: manifests are applied by the server, objects are read."""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import yaml
from kubernetes.client import ApiException
from pydantic import JsonValue

from terp.errors import TerpError
from terp.gitops.references.things import Manifest, without_nulls
from terp.kubernetes.acceptance.api import Api, wait

MANAGER = "terp"
"""Who has written the fields, as Kubernetes records it (server-side apply)."""
DEFINITION = "CustomResourceDefinition"
FIRST = ("Namespace", DEFINITION)
TO_SERVE = 60.0
"""Seconds that the API has to serve a new kind."""
NOT_FOUND, CONFLICT = 404, 409
PASSING = (429, 500, 503, 504)
TRIES = 5
BAD = 400
"""From this status on an answer is bad news."""


class Kind(NamedTuple):
    """How the API calls a kind in its paths."""

    plural: str
    namespaced: bool


class Cluster:
    """An API server, by the paths of its REST interface."""

    def __init__(self, kubeconfig: str) -> None:
        """Raises TerpError when the API does not answer."""
        self.api = Api(kubeconfig)
        self._kinds: dict[str, Mapping[str, Kind]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.api.close()

    def apply(self, manifests: Iterable[Manifest], namespace: str) -> list[str]:
        """Apply all, namespaces and kinds first; what has a kind that is not there yet is left out and named.

        Raises:
            TerpError: the API refuses one.
        """
        objects = list(manifests)
        first = [each for kind in FIRST for each in objects if each["kind"] == kind]
        for each in first:
            self._apply(each, namespace)
        self._wait_for_kinds(each for each in first if each["kind"] == DEFINITION)
        return [
            f"{each['kind']} {each['metadata']['name']}"
            for each in objects
            if each["kind"] not in FIRST and not self._apply(each, namespace)
        ]

    def read(self, version: str, kind: str, name: str, namespace: str) -> Mapping[str, Any] | None:
        """An object; None when it or its kind is not there."""
        found = self._kind(version, kind)
        if not found:
            return None
        try:
            object_: Mapping[str, Any] = self._call("GET", _path(version, found, name, namespace))
        except ApiException as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return object_

    def listed(
        self, version: str, kind: str, namespace: str = "", **selectors: str
    ) -> list[Mapping[str, Any]]:
        """All objects of a kind, of a namespace or of all; nothing when the kind is not there."""
        found = self._kind(version, kind)
        if not found:
            return []
        query = f"?{urlencode(selectors)}" if selectors else ""
        items = self._call("GET", _path(version, found, "", namespace) + query)["items"]
        return [{"apiVersion": version, "kind": kind, **each} for each in items]

    def change(
        self, version: str, kind: str, name: str, namespace: str, change: Mapping[str, JsonValue]
    ) -> None:
        """Merge something into an object."""
        if found := self._kind(version, kind):
            self._call(
                "PATCH", _path(version, found, name, namespace), change, "application/merge-patch+json"
            )

    def remove(self, version: str, kind: str, name: str, namespace: str) -> None:
        """Remove an object, if it is there; its finalizers may hold it for a while."""
        found = self._kind(version, kind)
        if not found:
            return
        try:
            self._call("DELETE", _path(version, found, name, namespace))
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise

    def _apply(self, manifest: Manifest, namespace: str) -> bool:
        """Whether its kind is there."""
        version, kind, metadata = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
        found = self._kind(version, kind)
        if not found:
            return False
        path = _path(version, found, metadata["name"], metadata.get("namespace", namespace))
        query = urlencode({"fieldManager": MANAGER, "force": "true"})
        try:
            self._call("PATCH", f"{path}?{query}", manifest, "application/apply-patch+yaml")
        except ApiException as error:
            raise TerpError(f"{kind} {metadata['name']}: the API refuses it: {_said(error)}") from error
        return True

    def _wait_for_kinds(self, definitions: Iterable[Manifest]) -> None:
        for each in definitions:
            spec = each["spec"]
            version, kind = f"{spec['group']}/{spec['versions'][0]['name']}", spec["names"]["kind"]
            wait(f"kind {kind}", lambda v=version, k=kind: bool(self._kind(v, k)), TO_SERVE)  # type: ignore[misc]

    def _kind(self, version: str, kind: str) -> Kind | None:
        """Asked again as long as it is not there: kinds come while the platform does."""
        if kind not in self._kinds.get(version, {}):
            self._kinds[version] = self._served(version)
        return self._kinds[version].get(kind)

    def _served(self, version: str) -> Mapping[str, Kind]:
        try:
            found = self._call("GET", _root(version))
        except ApiException as error:
            if error.status == NOT_FOUND:
                return {}
            raise
        return {
            each["kind"]: Kind(each["name"], each["namespaced"])
            for each in found["resources"]
            if "/" not in each["name"]
        }

    def _call(self, method: str, path: str, body: object = None, form: str = "") -> Any:  # noqa: ANN401 - JSON
        """One request; what passes by itself is tried again: every one of ours can be repeated."""
        for last in range(TRIES):
            status, said = self.api.answer(method, path, body, form)
            if status < BAD:
                return without_nulls(said)
            if status not in (*PASSING, CONFLICT) or last == TRIES - 1:
                raise ApiException(status, said.get("reason"), body=json.dumps(said))
            time.sleep(2**last / 2)
        raise AssertionError


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _path(version: str, kind: Kind, name: str, namespace: str) -> str:
    within = f"/namespaces/{namespace}" if kind.namespaced and namespace else ""
    return f"{_root(version)}{within}/{kind.plural}" + (f"/{name}" if name else "")


def _said(error: ApiException) -> str:
    """The API's own words, without the object that they are about."""
    try:
        return str(yaml.safe_load(error.body or "")["message"])
    except (yaml.YAMLError, TypeError, KeyError):
        return f"{error.status} {error.reason}"
