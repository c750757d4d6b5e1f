"""The cluster that the platform is rolled out on: manifests are applied by the server, objects are read."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Self
from urllib.parse import urlencode

import yaml
from kubernetes.client import ApiException
from pydantic import JsonValue
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from terp.errors import TerpError
from terp.gitops.kinds import Kinds
from terp.gitops.references.things import Manifest, without_nulls
from terp.kubernetes.acceptance.api import Api, SilentError, wait

MANAGER = "terp"
"""Who has written the fields, as Kubernetes records it (server-side apply)."""
DEFINITION = "CustomResourceDefinition"
FIRST = ("Namespace", DEFINITION)
TO_SERVE = 60.0
"""Seconds that the API has to serve a new kind."""
NOT_FOUND, CONFLICT = 404, 409
PASSING = (CONFLICT, 429, 500, 503, 504)
TRIES = stop_after_attempt(5)
BAD = 400
"""From this status on an answer is bad news."""


class Cluster:
    """An API server, by the paths of its REST interface."""

    def __init__(self, kubeconfig: str) -> None:
        """Raises TerpError when the API does not answer."""
        self.api = Api(kubeconfig)
        self._kinds = Kinds(self._resources)

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
        path = self._kinds.path(version, kind, name, namespace)
        return self._if_there("GET", path) if path else None

    def listed(
        self, version: str, kind: str, namespace: str = "", **selectors: str
    ) -> list[Mapping[str, Any]]:
        """All objects of a kind, of a namespace or of all; nothing when the kind is not there."""
        path = self._kinds.path(version, kind, namespace=namespace)
        if not path:
            return []
        query = f"?{urlencode(selectors)}" if selectors else ""
        items = self._call("GET", path + query)["items"]
        return [{"apiVersion": version, "kind": kind, **each} for each in items]

    def change(
        self, version: str, kind: str, name: str, namespace: str, change: Mapping[str, JsonValue]
    ) -> None:
        """Merge something into an object."""
        if path := self._kinds.path(version, kind, name, namespace):
            self._call("PATCH", path, change, "application/merge-patch+json")

    def remove(self, version: str, kind: str, name: str, namespace: str) -> None:
        """Remove an object, if it is there; its finalizers may hold it for a while."""
        if path := self._kinds.path(version, kind, name, namespace):
            self._if_there("DELETE", path)

    def _apply(self, manifest: Manifest, namespace: str) -> bool:
        """Whether its kind is there."""
        version, kind, metadata = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
        path = self._kinds.path(version, kind, metadata["name"], metadata.get("namespace", namespace))
        if not path:
            return False
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
            wait(f"kind {kind}", lambda v=version, k=kind: bool(self._kinds.path(v, k)), TO_SERVE)  # type: ignore[misc]

    def _resources(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return (self._if_there("GET", path) or {}).get("resources", ())

    def _if_there(self, method: str, path: str) -> Mapping[str, Any] | None:
        """One request about what may not be there; None when it is not."""
        try:
            found: Mapping[str, Any] = self._call(method, path)
        except ApiException as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return found

    def _call(self, method: str, path: str, body: object = None, form: str = "") -> Any:  # noqa: ANN401 - JSON
        """One request; what passes by itself is tried again: every one of ours can be repeated."""
        for attempt in Retrying(
            retry=retry_if_exception(_passes), stop=TRIES, wait=wait_exponential(0.5), reraise=True
        ):
            with attempt:
                status, said = self.api.answer(method, path, body, form)
                if status >= BAD:
                    raise ApiException(status, said.get("reason"), body=json.dumps(said))
        return without_nulls(said)


def _passes(error: BaseException) -> bool:
    return isinstance(error, SilentError) or (isinstance(error, ApiException) and error.status in PASSING)


def _said(error: ApiException) -> str:
    """The API's own words, without the object that they are about."""
    try:
        return str(yaml.safe_load(error.body or "")["message"])
    except (yaml.YAMLError, TypeError, KeyError):
        return f"{error.status} {error.reason}"
