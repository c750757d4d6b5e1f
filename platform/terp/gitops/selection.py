"""Which components an environment has: a pure function of the catalogue and its `platform`."""

from collections.abc import Mapping
from typing import NamedTuple

from terp.environment.findings import did_you_mean
from terp.environment.platform import Platform
from terp.environment.projects import Project
from terp.errors import TerpError
from terp.gitops.backups import with_backups
from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Component
from terp.gitops.graph import with_needs
from terp.gitops.names import BACKUPS, LISTENERS, MONITORS, PROJECTS, TRUST

USED_BY = {"databases": (BACKUPS, MONITORS, TRUST), "routes": (LISTENERS,)}
"""What comes before those that declare such, if it comes at all."""


class Selection(NamedTuple):
    """Components by name, in the order of the alphabet, and by name the components that each needs.

    Where databases are backed up, components have the buckets and Secrets of that; what makes projects has
    their namespaces.
    """

    components: Mapping[str, Component]
    needs: Mapping[str, tuple[str, ...]]
    providers: Mapping[str, str]
    """By capability a component, or the address of something outside."""
    projects: Mapping[str, Project]
    """By the name of the namespace."""

    @property
    def backs_up(self) -> bool:
        """Whether databases are backed up."""
        return BACKUPS in self.components

    def provider(self, capability: str) -> Component | None:
        """The component that provides it; none when something outside does."""
        return self.components.get(self.providers.get(capability, ""))


def select(catalogue: Catalogue, platform: Platform) -> Selection:
    """Those of the profile, chosen providers, what is switched on, and all that these need.

    Raises:
        TerpError: a switch names no component, or what is switched off is needed (exit code 2).
    """
    for name in sorted(platform.components.keys() - catalogue.components.keys()):
        hint = did_you_mean(name, catalogue.components)
        raise TerpError(f'there is no component "{name}"', hint=hint, exit_code=2)
    needs = {name: _needs(each, catalogue, platform) for name, each in catalogue.components.items()}
    names = sorted(with_needs((name for name in needs if _is_wanted(name, catalogue, platform)), needs))
    for name, on in sorted(platform.components.items()):
        if not on and name in names:
            raise _needed(name, [each for each in names if name in needs[each]])
    components = {name: catalogue.components[name] for name in names}
    if BACKUPS in components:
        components = {name: with_backups(each) for name, each in components.items()}
    if PROJECTS in components:
        components[PROJECTS] = _with_namespaces(components[PROJECTS], platform.projects)
    return Selection(
        components=components,
        needs={name: _after(name, catalogue.components[name], needs[name], names) for name in names},
        providers=platform.providers.chosen,
        projects=platform.projects,
    )


def _with_namespaces(component: Component, projects: Mapping[str, Project]) -> Component:
    """Of the projects, so that those of its layer may make objects there."""
    return component.model_copy(update={"namespaces": tuple(projects)})


def _needs(component: Component, catalogue: Catalogue, platform: Platform) -> tuple[str, ...]:
    """The components behind its needs; none is behind what something outside provides."""
    found = (platform.providers.chosen.get(need, need) for need in component.needs)
    return tuple(sorted({name for name in found if name in catalogue.components}))


def _after(name: str, component: Component, needs: tuple[str, ...], selected: list[str]) -> tuple[str, ...]:
    """Its needs, and what it uses, or what it declares, if that is there."""
    by_field = (each for field, names in USED_BY.items() if getattr(component, field) for each in names)
    used = (each for each in (*component.uses, *by_field) if each in selected and each != name)
    return tuple(sorted({*needs, *used}))


def _is_wanted(name: str, catalogue: Catalogue, platform: Platform) -> bool:
    """A provider is there when it is chosen; anything else by its switch, and by the profile without one.

    A provider that has no profile waits until somebody needs it.

    The profile does not bring what goes with a provider that is not chosen.
    """
    component = catalogue.components[name]
    if name == PROJECTS:
        return bool(platform.projects)
    if component.provides:
        return bool(component.profiles) and _is_chosen(name, catalogue, platform)
    of_others = (need for need in component.needs if need in catalogue.components)
    providers = [need for need in of_others if catalogue.components[need].provides]
    goes_along = all(_is_chosen(each, catalogue, platform) for each in providers)
    return platform.components.get(name, goes_along and platform.profile in component.profiles)


def _is_chosen(name: str, catalogue: Catalogue, platform: Platform) -> bool:
    provides = catalogue.components[name].provides
    return any(platform.providers.chosen.get(each) == name for each in provides)


def _needed(name: str, dependants: list[str]) -> TerpError:
    return TerpError(
        f'"{name}" is switched off, and needed by {", ".join(dependants)}',
        hint=f"switch these off, too, or leave out platform.components.{name}",
        exit_code=2,
    )
