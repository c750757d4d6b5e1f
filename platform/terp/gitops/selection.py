"""Which components an environment has: a pure function of the catalogue and its `platform`."""

from collections.abc import Mapping
from typing import NamedTuple

from terp.environment.findings import did_you_mean
from terp.environment.platform import Platform
from terp.errors import TerpError
from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Component
from terp.gitops.graph import with_needs


class Selection(NamedTuple):
    """Components by name, in the order of the alphabet, and by name the components that each needs."""

    components: Mapping[str, Component]
    needs: Mapping[str, tuple[str, ...]]


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
    return Selection(
        {name: catalogue.components[name] for name in names}, {name: needs[name] for name in names}
    )


def _needs(component: Component, catalogue: Catalogue, platform: Platform) -> tuple[str, ...]:
    """The components behind its needs; none is behind what something outside provides."""
    found = (platform.providers.chosen.get(need, need) for need in component.needs)
    return tuple(sorted({name for name in found if name in catalogue.components}))


def _is_wanted(name: str, catalogue: Catalogue, platform: Platform) -> bool:
    """A provider is there when it is chosen; anything else by its switch, and by the profile without one."""
    component = catalogue.components[name]
    if component.provides:
        return any(platform.providers.chosen.get(each) == name for each in component.provides)
    return platform.components.get(name, platform.profile in component.profiles)


def _needed(name: str, dependants: list[str]) -> TerpError:
    return TerpError(
        f'"{name}" is switched off, and needed by {", ".join(dependants)}',
        hint=f"switch these off, too, or leave out platform.components.{name}",
        exit_code=2,
    )
