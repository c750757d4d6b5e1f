"""Which components an environment has: a pure function of the catalogue and its `platform`."""

from collections.abc import Iterator, Mapping

from terp.environment.findings import did_you_mean
from terp.environment.platform import Platform
from terp.errors import TerpError
from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Component


def select(catalogue: Catalogue, platform: Platform) -> dict[str, Component]:
    """The components that are there, by name, in the order of the alphabet.

    Those of the profile, the chosen provider of each capability, what is switched on, and what these need.

    Raises:
        TerpError: a switch names no component, or what is switched off is needed (exit code 2).
    """
    for name in platform.components.keys() - catalogue.components.keys():
        hint = did_you_mean(name, catalogue.components)
        raise TerpError(f'there is no component "{name}"', hint=hint, exit_code=2)
    wanted = {name for name, each in catalogue.components.items() if _is_wanted(name, each, platform)}
    found = _with_needs(wanted, catalogue, platform)
    for name, on in sorted(platform.components.items()):
        if not on and name in found:
            raise _needed(name, catalogue, platform, found)
    return {name: catalogue.components[name] for name in sorted(found)}


def resolve(need: str, catalogue: Catalogue, providers: Mapping[str, str]) -> str | None:
    """The component behind a need; none behind a capability that something outside provides."""
    name = providers.get(need, need)
    return name if name in catalogue.components else None


def needed_by(component: Component, catalogue: Catalogue, providers: Mapping[str, str]) -> Iterator[str]:
    """The components that must be healthy before this one."""
    for need in component.needs:
        if found := resolve(need, catalogue, providers):
            yield found


def _is_wanted(name: str, component: Component, platform: Platform) -> bool:
    """A provider is there when it is chosen; anything else by its switch, and by the profile without one."""
    if component.provides:
        chosen = platform.providers.model_dump(mode="json")
        return any(chosen.get(capability) == name for capability in component.provides)
    return platform.components.get(name, platform.profile in component.profiles)


def _with_needs(wanted: set[str], catalogue: Catalogue, platform: Platform) -> set[str]:
    providers = platform.providers.model_dump(mode="json")
    found, open_ = set[str](), set(wanted)
    while open_:
        name = open_.pop()
        found.add(name)
        open_ |= set(needed_by(catalogue.components[name], catalogue, providers)) - found
    return found


def _needed(name: str, catalogue: Catalogue, platform: Platform, found: set[str]) -> TerpError:
    providers = platform.providers.model_dump(mode="json")
    dependants = [
        each for each in sorted(found) if name in needed_by(catalogue.components[each], catalogue, providers)
    ]
    return TerpError(
        f'"{name}" is switched off, and needed by {", ".join(dependants)}',
        hint=f"switch these off, too, or leave out platform.components.{name}",
        exit_code=2,
    )
