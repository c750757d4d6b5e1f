"""Holds what is wanted against what is made, and when."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from terp.gitops.component import Component
from terp.gitops.graph import Graph, with_needs
from terp.gitops.references.made import KUBERNETES, crd, made
from terp.gitops.references.things import EVERYWHERE, Manifest, Reference, Thing, kind_of, name_of
from terp.gitops.references.wanted import wanted
from terp.model import Model

Makers = Mapping[Thing, Sequence[str]]


class Missing(Model):
    """A reference that nothing satisfies in time."""

    component: str
    wave: int
    object: str
    where: str
    thing: str
    makers: tuple[str, ...]
    mend: str

    def __str__(self) -> str:
        made_by = (
            f", which {' or '.join(self.makers)} makes later" if self.makers else ", which nothing makes"
        )
        place = f"{self.component} (wave {self.wave}): {self.object}: {self.where}"
        return f"{place}: {self.thing}{made_by}\n  {self.mend}"


def missing(
    manifests: Mapping[str, Iterable[Manifest]],
    components: Mapping[str, Component],
    graph: Graph,
    there: Iterable[Thing] = (),
) -> list[Missing]:
    """Every reference that no earlier wave satisfies, nor the same one where that does no harm.

    `manifests` are those of each component, `there` is what the cluster has before: its storage classes.
    """
    makers = _makers(manifests, components)
    outside = {*KUBERNETES, *there}
    found = [
        _missing(name, manifest, reference, makers, components, graph)
        for name, objects in sorted(manifests.items())
        for manifest in objects
        for reference in wanted(manifest, components[name].namespace)
        if not _satisfied(name, reference, makers, outside, graph)
    ]
    return sorted(dict.fromkeys(found), key=lambda each: (each.wave, each.component))


def _makers(manifests: Mapping[str, Iterable[Manifest]], components: Mapping[str, Component]) -> Makers:
    makers: defaultdict[Thing, list[str]] = defaultdict(list)
    for name, component in sorted(components.items()):
        of_objects = (thing for each in manifests.get(name, ()) for thing in made(each, component.namespace))
        for thing in dict.fromkeys((*_declared(component), *of_objects)):
            makers[thing].append(name)
    return makers


def _declared(component: Component) -> Iterator[Thing]:
    """What its manifests need not show: namespace, kinds, Secrets from Vault, what controllers make."""
    yield Thing("Namespace", "", component.namespace)
    yield from (crd(each.kind, each.group) for each in component.crds)
    yield from (Thing("Secret", component.namespace, each.name) for each in component.secrets)
    for kind, _, name in (each.partition("/") for each in component.makes):
        yield Thing(kind, EVERYWHERE, name)


def _same(thing: Thing) -> tuple[Thing, Thing]:
    """What satisfies a reference: the thing itself, or one that is in every namespace."""
    return thing, thing._replace(namespace=EVERYWHERE)


def _satisfied(name: str, reference: Reference, makers: Makers, outside: set[Thing], graph: Graph) -> bool:
    if not outside.isdisjoint(_same(reference.thing)):
        return True
    last = graph.wave(name) if reference.patient else graph.wave(name) - 1
    return any(
        maker == name or graph.wave(maker) <= last
        for thing in _same(reference.thing)
        for maker in makers.get(thing, ())
    )


def _missing(
    name: str,
    manifest: Manifest,
    reference: Reference,
    makers: Makers,
    components: Mapping[str, Component],
    graph: Graph,
) -> Missing:
    late = tuple(maker for thing in _same(reference.thing) for maker in makers.get(thing, ()))
    return Missing(
        component=name,
        wave=graph.wave(name),
        object=f"{kind_of(manifest).partition('.')[0]} {name_of(manifest)}",
        where=reference.where,
        thing=str(reference.thing),
        makers=late,
        mend=_mend(name, reference.thing, late, components, graph),
    )


def _mend(
    name: str, thing: Thing, late: tuple[str, ...], components: Mapping[str, Component], graph: Graph
) -> str:
    possible = [maker for maker in late if name not in with_needs(graph.needs[maker], graph.needs)]
    if possible:
        maker = possible[0]
        capability = next(iter(components[maker].provides), maker)
        return f"{name}: needs: [{capability}]"
    if late:
        return f"{late[0]} needs {name} already: one of them has to be divided"
    if thing.kind == "Secret":
        return f"{name}: declare it under secrets, or make it by a Certificate or an ExternalSecret"
    return "a component that makes it, or another reference"
