"""What a cluster has of what is rendered, and what would become of it: the API server's own answer.

Each object that is there is applied as Argo CD does it, as a dry run: defaults, conversions and webhooks are
then the same on both sides, and nothing is changed. Only what is rendered is asked for, and the Applications.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from terp.gitops.application import ROOT
from terp.gitops.difference.compare import Identity, Place, Side, identity, version
from terp.gitops.difference.text import LAST_APPLIED
from terp.gitops.kinds import Kinds
from terp.gitops.observation import GROUP, PLURAL, VERSION, WAVE
from terp.gitops.references.things import Manifest, at, each, name_of, without_nulls

Answer = Callable[[str, str, object], tuple[int, Any]]
"""Asks the API: method, path and body; status and JSON."""
MANAGER = "argocd-controller"
DRY = f"?dryRun=All&force=true&fieldManager={MANAGER}"
HOOKS = ("helm.sh/hook", "argocd.argoproj.io/hook")
FOUND, NOT_FOUND = 200, 404
BY_NAME = "name"
"""Members of lists that have a name are the same when their names are."""


class Seen(NamedTuple):
    """An object as it is, as it would be, and why that cannot be said."""

    before: Manifest | None
    after: Manifest
    error: str = ""


class Live:
    """A cluster, asked through its API."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._kinds = Kinds(self._resources)

    def against(
        self, wanted: Side, namespaces: Mapping[str, str], tell: Callable[[str], None]
    ) -> tuple[Side, Side, dict[str, str]]:
        """What is there, what would be, and by component what the API server refuses.

        `namespaces` are those of the Applications; `tell` hears of each.
        """
        applications = self._applications()
        before, after = dict[str, dict[Identity, Manifest]](), dict[str, dict[Identity, Manifest]]()
        refused = dict[str, str]()
        for name, objects in wanted.objects.items():
            tell(name)
            named = {which: found for which, found in objects.items() if _lasts(found)}
            seen = {which: self._seen(found, namespaces[name]) for which, found in named.items()}
            before[name] = {
                **{which: each.before for which, each in seen.items() if each.before is not None},
                **_orphans(applications.get(name, {}), objects, namespaces[name]),
            }
            after[name] = {which: each.after for which, each in seen.items()}
            if errors := [
                f"{which[0]} {which[2]}: {each.error}" for which, each in seen.items() if each.error
            ]:
                refused[name] = f"the API server refuses {'; '.join(errors)}"
        places = {name: _place(each) for name, each in applications.items() if name != ROOT}
        return Side(places, before, wanted.failed), Side(wanted.places, after), refused

    def _applications(self) -> Mapping[str, Any]:
        status, said = self._answer("GET", f"/apis/{GROUP}/{VERSION}/{PLURAL}", None)
        return {each["metadata"]["name"]: each for each in said["items"]} if status == FOUND else {}

    def _seen(self, manifest: Manifest, namespace: str) -> Seen:
        path = self._path(manifest, namespace)
        if path is None:  # its kind comes with it
            return Seen(None, manifest)
        status, before = self._answer("GET", path, None)
        if status == NOT_FOUND:
            return Seen(None, manifest)
        if status != FOUND:
            return Seen(None, manifest, _message(before))
        status, after = self._answer("PATCH", f"{path}{DRY}", without_nulls(manifest))
        if status != FOUND:
            return Seen(before, before, _message(after))
        return Seen(before, without(after, _last_applied(before), manifest))

    def _path(self, manifest: Manifest, namespace: str) -> str | None:
        of = at(manifest, "metadata.namespace") or namespace
        name = at(manifest, "metadata.name")
        return self._kinds.path(str(manifest["apiVersion"]), manifest["kind"], name, of)

    def _resources(self, path: str) -> Any:  # noqa: ANN401 - JSON
        _, said = self._answer("GET", path, None)
        return said.get("resources", ())


def _lasts(manifest: Manifest) -> bool:
    """Whether it stays on the cluster: hooks go again, and names that the API server makes are not known."""
    notes = at(manifest, "metadata.annotations") or {}
    return bool(name_of(manifest)) and notes.keys().isdisjoint(HOOKS)


def _message(said: Mapping[str, Any]) -> str:
    return str(said.get("message", "it gives no reason"))


def _place(application: Manifest) -> Place:
    wave = int((at(application, "metadata.annotations") or {}).get(WAVE, 0))
    return Place(wave, version(list(each(application, "spec.sources"))))


def _orphans(
    application: Manifest, rendered: Mapping[Identity, Manifest], namespace: str
) -> dict[Identity, Manifest]:
    """What an Application has on the cluster and is not rendered any more: only its name is asked for."""
    found: dict[Identity, Manifest] = {}
    for has in each(application, "status.resources"):
        group, of = has.get("group", ""), has.get("namespace")
        manifest = {
            "apiVersion": f"{group}/{has['version']}" if group else has["version"],
            "kind": has["kind"],
            "metadata": {"name": has["name"], **({"namespace": of} if of else {})},
        }
        which = identity(manifest, namespace)
        if which not in rendered and not has.get("hook"):
            found[which] = manifest
    return found


def _last_applied(manifest: Manifest) -> Any:  # noqa: ANN401 - a manifest
    """Without its name and namespace, which Argo CD and kubectl fill in."""
    text = (at(manifest, "metadata.annotations") or {}).get(LAST_APPLIED)
    last = json.loads(text) if text else {}
    return {key: value for key, value in last.items() if key != "metadata"} | {"metadata": _labels(last)}


def _labels(manifest: Manifest) -> Mapping[str, Any]:
    names = ("annotations", "labels")
    return {name: found for name in names if (found := at(manifest, f"metadata.{name}"))}


def without(node: Any, before: Any, now: Any) -> Any:  # noqa: ANN401 - whatever is there
    """An object without what its last manifest had and this one has no more.

    Argo CD's client-side apply takes that away; the dry run, which is by the server, does not know of it.
    """
    if isinstance(node, Mapping) and isinstance(before, Mapping):
        given = now if isinstance(now, Mapping) else {}
        return {
            key: without(value, before.get(key), given.get(key))
            for key, value in node.items()
            if key in given or key not in before
        }
    if isinstance(node, list) and isinstance(before, list):
        had, has = _by_name(before), _by_name(now if isinstance(now, list) else [])
        return [
            without(member, had.get(name or ""), has.get(name or ""))
            for member in node
            for name in [_name(member)]
            if name is None or name in has or name not in had
        ]
    return node


def _name(member: object) -> str | None:
    return member.get(BY_NAME) if isinstance(member, Mapping) else None


def _by_name(members: list[Any]) -> dict[str, Any]:
    return {name: member for member in members if (name := _name(member)) is not None}
