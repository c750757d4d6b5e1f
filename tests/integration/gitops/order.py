"""In which order Applications began and became healthy, as the API server tells it.

A watch delivers changes in the order in which they were stored, so that no clock has to be trusted.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

import httpx

from terp.gitops.application import NAMESPACE, ROOT
from terp.gitops.observation import GROUP, PLURAL, VERSION, WAVE

APPLICATIONS = f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}/{PLURAL}"


class State(NamedTuple):
    """An Application at one moment."""

    name: str
    wave: int
    commit: str | None
    """Of our repository, if anything of it comes from there."""
    settled: bool
    """Its present sources are in sync, the operation has succeeded, the objects are healthy."""
    why: str
    """What holds it, if it is not."""
    version: str = ""
    """Of its chart."""
    gone: bool = False


def state(application: Mapping[str, Any], ours: str) -> State:
    """What an Application's object says; `ours` is the address of our repository."""
    spec, status = application["spec"], application.get("status", {})
    operation, sync, health = (status.get(each, {}) for each in ("operationState", "sync", "health"))
    said = {
        "not compared with its sources": sync.get("comparedTo", {}).get("sources") != spec["sources"],
        f"operation {operation.get('phase')}: {operation.get('message')}": operation.get("phase")
        != "Succeeded",
        f"{sync.get('status')}": sync.get("status") != "Synced",
        f"{health.get('status')}": health.get("status") != "Healthy",
    }
    why = next((words for words, holds in said.items() if holds), "")
    commits = [source["targetRevision"] for source in spec["sources"] if source["repoURL"] == ours]
    metadata = application["metadata"]
    wave = int(metadata.get("annotations", {}).get(WAVE, 0))
    version = spec["sources"][0]["targetRevision"]
    return State(metadata["name"], wave, commits[0] if commits else None, not why, why, version)


def early(
    states: Iterable[State], waves: Mapping[str, int], first: Mapping[str, State] | None = None
) -> list[str]:
    """What began, or began with a new commit, while something of a lower wave was not settled with it.

    `first` is what there was before the first of the states.
    """
    now = dict(first or {})
    found = []
    for each in states:
        before = now.get(each.name)
        if each.gone:
            now.pop(each.name, None)
            continue
        if before is None or before.commit != each.commit:
            found += [
                f"{each.name} (wave {each.wave}) began before {lower} (wave {wave})"
                for lower, wave in waves.items()
                if wave < each.wave and not _settled(now.get(lower), each.commit)
            ]
        now[each.name] = each
    return found


def _settled(lower: State | None, commit: str | None) -> bool:
    """What has nothing of ours is the same in each commit."""
    return bool(lower and lower.settled and (None in (lower.commit, commit) or lower.commit == commit))


class Journal:
    """Every state of every child, in order, from when it is entered; `first` is what there was then."""

    def __init__(self, client: httpx.Client, ours: str) -> None:
        self.states: list[State] = []
        self.first: dict[str, State] = {}
        self._client, self._ours = client, ours
        self._version = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._over = threading.Event()
        self._response: httpx.Response | None = None

    def __enter__(self) -> Self:
        listed = self._client.get(APPLICATIONS).raise_for_status().json()
        self._version = listed["metadata"]["resourceVersion"]
        found = [state(each, self._ours) for each in listed["items"] if each["metadata"]["name"] != ROOT]
        self.first = {each.name: each for each in found}
        self._thread.start()
        return self

    def early(self, waves: Mapping[str, int]) -> list[str]:
        """What began too early (see `early`)."""
        return early(self.states, waves, self.first)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._response:  # ended, not closed: whoever opens a file next would get the number that is read
            self._response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._client.close()

    def _read(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(httpx.HTTPError):
                self._watch()
            self._over.wait(0.5)

    def _watch(self) -> None:
        """Until it is over or the server goes; from where it was, as the server counts."""
        asked = {"watch": "1", "timeoutSeconds": "3600", "resourceVersion": self._version}
        with self._client.stream("GET", APPLICATIONS, params=asked, timeout=None) as response:
            self._response = response.raise_for_status()
            for line in response.iter_lines():
                self._note(json.loads(line))

    def _note(self, event: Mapping[str, Any]) -> None:
        self._version = event["object"]["metadata"]["resourceVersion"]
        if event["object"]["metadata"]["name"] != ROOT:
            found = state(event["object"], self._ours)
            self.states.append(found._replace(gone=event["type"] == "DELETED"))
