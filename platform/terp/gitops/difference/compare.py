"""Two states of a platform held against each other, component by component: a pure function."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from terp.gitops.difference.text import unified
from terp.gitops.references.things import Manifest, kind_of, name_of, namespace_of
from terp.gitops.root import RootValues
from terp.model import Model

How = Literal["added", "removed", "changed"]
Identity = tuple[str, str, str]
"""Kind with its group, namespace, name."""


class Place(NamedTuple):
    """An Application: its wave, and the version that it is at (empty of what is ours alone)."""

    wave: int
    version: str


class Side(NamedTuple):
    """A platform: Applications and the objects of each; `failed` says of whom nothing is known, and why."""

    places: Mapping[str, Place]
    objects: Mapping[str, Mapping[Identity, Manifest]]
    failed: Mapping[str, str] = {}


class ObjectChange(Model):
    """An object that would change."""

    kind: str = Field(description="Its kind, with its group if that is not Kubernetes' own.")
    namespace: str = Field(description="Its namespace, or that of its Application.")
    name: str = Field(description="Its name.")
    how: How = Field(description="What would become of it.")
    diff: str = Field(description="Unified, of its YAML; values of Secrets are masked.")


class VersionChange(Model):
    """Another version."""

    before: str = Field(description="Version of the chart, or commit.")
    after: str = Field(description="Version of the chart, or commit.")


class WaveChange(Model):
    """Another place in the order."""

    before: int = Field(description="The wave.")
    after: int = Field(description="The wave.")


class ComponentChange(Model):
    """A component that would change; `platform` is the root: projects and Applications."""

    component: str = Field(description="Its name.")
    how: How = Field(description="What would become of it.")
    version: VersionChange | None = Field(description="None when it stays.")
    wave: WaveChange | None = Field(description="None when it stays.")
    objects: tuple[ObjectChange, ...] = Field(description="Those that would change, by kind and name.")


class Difference(Model):
    """What would change on an environment when the work tree became what is deployed."""

    stack: str = Field(description="The environment.")
    against: str = Field(description="A revision of the repository, or `cluster`.")
    components: tuple[ComponentChange, ...] = Field(description="Those that would change, by name.")
    failed: dict[str, str] = Field(description="By component, why it could not be compared.")

    def count(self, how: How) -> int:
        """Objects."""
        return sum(each.how == how for component in self.components for each in component.objects)


def side(
    values: RootValues, manifests: Mapping[str, Iterable[Manifest]], failed: Mapping[str, str], root: str
) -> Side:
    """A platform as it is rendered."""
    applications = values.applications
    namespaces = {name: each.spec.destination.namespace for name, each in applications.items()}
    places = {
        name: Place(each.wave, version(each.spec.model_dump(mode="json", by_alias=True)["sources"]))
        for name, each in applications.items()
    }
    objects = {
        name: {identity(each, namespaces.get(name, root)): each for each in found}
        for name, found in manifests.items()
    }
    return Side(places, objects, failed)


def version(sources: Sequence[Mapping[str, object]]) -> str:
    """That of a chart of others, or the commit of their repository: the first source, if it is not ours."""
    first = sources[0] if sources else {}
    own = not first.get("chart") and first.get("helm") is not None
    return "" if own else str(first.get("targetRevision", ""))


def identity(manifest: Manifest, namespace: str) -> Identity:
    """What makes an object the same in both: not the version of its API."""
    return kind_of(manifest), namespace_of(manifest, namespace), name_of(manifest)


def difference(
    stack: str,
    against: str,
    before: Side,
    after: Side,
    only: str | None = None,
    refused: Mapping[str, str] | None = None,
) -> Difference:
    """What leads from one to the other, of all components or of one; who is not known is not compared.

    `refused` says by component what is known in part alone.
    """
    names = before.places.keys() | after.places.keys() | before.objects.keys() | after.objects.keys()
    chosen = names & {only} if only else names
    failed = {**before.failed, **after.failed}
    changes = (_component(name, before, after) for name in sorted(chosen - failed.keys()))
    return Difference(
        stack=stack,
        against=against,
        components=tuple(filter(None, changes)),
        failed={**failed, **(refused or {})},
    )


def _component(name: str, before: Side, after: Side) -> ComponentChange | None:
    old, new = before.objects.get(name, {}), after.objects.get(name, {})
    was, now = before.places.get(name), after.places.get(name)
    objects = tuple(
        filter(
            None, (_object(each, old.get(each), new.get(each)) for each in sorted(old.keys() | new.keys()))
        )
    )
    moved = WaveChange(before=was.wave, after=now.wave) if was and now and was.wave != now.wave else None
    other = (
        VersionChange(before=was.version, after=now.version)
        if was and now and was.version != now.version
        else None
    )
    how: How = "removed" if was and not now else "added" if now and not was else "changed"
    if how == "changed" and not (objects or moved or other):
        return None
    return ComponentChange(component=name, how=how, version=other, wave=moved, objects=objects)


def _object(which: Identity, before: Manifest | None, after: Manifest | None) -> ObjectChange | None:
    diff = unified(before, after)
    if before is not None and after is not None and not diff:
        return None
    kind, namespace, name = which
    how: How = "added" if before is None else "removed" if after is None else "changed"
    return ObjectChange(kind=kind, namespace=namespace, name=name, how=how, diff=diff)
