"""A platform on the embedded cloud: the cloud's service hands out this tree and, if asked, stand-ins.

What is written there is bound by its commit: until a root Application names that, nothing follows from it.
"""

from pathlib import Path

from terp.cloud.state import SOURCES, State
from terp.environment.components import FOLDERS
from terp.environment.platform import WORK_TREE, GitRepository, Platform
from terp.errors import TerpError
from terp.gitops import standins
from terp.gitops.catalogue import Catalogue
from terp.gitops.publication import publish
from terp.paths import PROJECT, state_dir
from terp.tools import installed

TOOLS = "embedded-platform"
OURS = "ours/terp"
"""The place of our repository, as a mirror has those of others."""
MANIFESTS = "install.yaml"
"""Argo CD's own."""


def handed_out(platform: Platform, catalogue: Catalogue) -> tuple[Platform, Catalogue]:
    """Both as the embedded cloud of this machine serves them.

    Raises:
        TerpError: the tools of an embedded platform are not there.
    """
    cloud = State(state_dir() / "cloud")
    return published(platform, catalogue, cloud.path(SOURCES), cloud.public_url(SOURCES))


def published(
    platform: Platform, catalogue: Catalogue, folder: Path, address: str, tree: Path = PROJECT
) -> tuple[Platform, Catalogue]:
    """Both as they are when a folder at an address serves what they ask for, and of `tree` what is ours.

    Raises:
        TerpError: the tools of an embedded platform are not there.
    """
    if platform.stand_ins:
        catalogue = standins.write(folder, catalogue, _manifests(), address)
    if platform.git.repository == WORK_TREE:
        commit = publish(folder / OURS, work_tree(catalogue if platform.stand_ins else None, tree))
        git = GitRepository(repository=f"{address}/{OURS}", revision=commit)
        platform = platform.model_copy(update={"git": git})
    return platform, catalogue


def work_tree(stood_in: Catalogue | None = None, tree: Path = PROJECT) -> dict[str, str]:
    """What Argo CD reads of our repository, by path; with stand-ins for charts that run what others make."""
    others = standins.tree(stood_in) if stood_in else {}
    replaced = {tree.joinpath(*Path(path).parts[:2]) for path in others}
    files = (file for folder in FOLDERS for file in sorted((tree / folder).rglob("*")) if file.is_file())
    ours = {
        str(file.relative_to(tree)): file.read_text() for file in files if replaced.isdisjoint(file.parents)
    }
    return {**ours, **others}


def _manifests() -> str:
    toolchain = installed(TOOLS)
    if toolchain is None:
        raise TerpError(
            "the tools of an embedded platform are not there", hint=f"terp tools sync {TOOLS}", exit_code=2
        )
    return toolchain.path(MANIFESTS).read_text()
