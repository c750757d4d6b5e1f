"""What an environment wants of the platform: its file, and the catalogue of a work tree."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from terp.cloud.state import SOURCES, State
from terp.environment import Environment, read
from terp.environment.kubernetes import kubernetes_version
from terp.environment.platform import Platform
from terp.environment.stack_file import stack_name
from terp.errors import TerpError
from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Component
from terp.gitops.embedded import published
from terp.gitops.graph import Graph, graph
from terp.gitops.reading import read_catalogue
from terp.gitops.root import RootValues, root_values
from terp.gitops.selection import select
from terp.paths import PROJECT, state_dir


class Intent(NamedTuple):
    """The platform of an environment; what is ours lies in `tree`."""

    stack: str
    platform: Platform
    catalogue: Catalogue
    values: RootValues
    kubernetes: str | None = None
    """The version, where it is known."""
    tree: Path = PROJECT
    served: Path | None = None
    """Folder that the embedded cloud hands out: charts of others, and our repository instead of `tree`."""

    @classmethod
    def of(
        cls,
        stack: str,
        platform: Platform,
        catalogue: Catalogue,
        kubernetes: str | None = None,
        tree: Path = PROJECT,
    ) -> Self:
        """What follows from the platform's keys."""
        values = root_values(stack, platform, catalogue)
        return cls(stack, platform, catalogue, values, kubernetes, tree)

    @property
    def components(self) -> Mapping[str, Component]:
        """Those that the environment has."""
        return {name: self.catalogue.components[name] for name in self.values.applications}

    @property
    def graph(self) -> Graph:
        """Who needs whom."""
        return graph(select(self.catalogue, self.platform).needs)


def intent(file: Path, tree: Path = PROJECT) -> Intent:
    """What a stack file says, by the catalogue of a work tree.

    Raises:
        TerpError: one of them is not valid, or the environment has no platform (exit code 2).
    """
    environment, stack = read(file), stack_name(file)
    version = kubernetes_version(environment.kubernetes)
    return Intent.of(stack, _platform(environment, stack), read_catalogue(tree), version, tree)


def intent_to_render(file: Path, tree: Path = PROJECT, folder: Path | None = None) -> Intent:
    """The same with stand-ins, as the embedded cloud has them, where the environment asks for them.

    They are written to what the cloud hands out, or to a copy at `folder`: what is equal has equal commits.

    Raises:
        TerpError: as `intent`, and when stand-ins are asked for and the embedded cloud is not there.
    """
    wanted = intent(file, tree)
    if not wanted.platform.stand_ins:
        return wanted
    cloud = State(state_dir() / "cloud")
    if not cloud.exists():
        hint = "terp cloud up; or --charts with a folder of real ones"
        raise TerpError("stand-ins are handed out by the embedded cloud, which is not there", hint=hint)
    served, address = cloud.path(SOURCES), cloud.public_url(SOURCES)
    if folder:
        shutil.copytree(served, folder, dirs_exist_ok=True)
    folder = folder or served
    platform, catalogue = published(wanted.platform, wanted.catalogue, folder, address, tree)
    return Intent.of(wanted.stack, platform, catalogue, wanted.kubernetes, tree)._replace(served=folder)


def _platform(environment: Environment, stack: str) -> Platform:
    if environment.platform is None:
        hint = "what it may say: terp explain platform"
        raise TerpError(f"{stack} has no platform", hint=hint, exit_code=2)
    return environment.platform
