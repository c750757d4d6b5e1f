"""All components of the platform, and where they come from."""

from collections.abc import Mapping
from functools import cached_property

from pydantic import Field

from terp.environment.fields import Name
from terp.gitops.component import Component
from terp.gitops.versions import Upstream
from terp.model import Model


class Catalogue(Model):
    """Every component by its name, which is that of its folder, and every upstream."""

    components: dict[Name, Component] = Field(description="By name.")
    upstreams: dict[Name, Upstream] = Field(description="By name.")

    @cached_property
    def capabilities(self) -> Mapping[str, tuple[str, ...]]:
        """Who provides what, in the order of the alphabet."""
        found: dict[str, tuple[str, ...]] = {}
        for name, component in sorted(self.components.items()):
            for capability in component.provides:
                found[capability] = (*found.get(capability, ()), name)
        return found

    def version(self, name: str) -> str:
        """Of a component's upstream; `own` of what is ours alone."""
        upstream = self.components[name].source.upstream
        return self.upstreams[upstream].version if upstream else "own"
