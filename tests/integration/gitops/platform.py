"""A platform of stand-ins on the engines: its git, and how it is rolled out."""

import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from terp.environment.kubernetes import EMBEDDED_VERSIONS
from terp.environment.platform import GitRepository, Platform
from terp.gitops.application import ROOT
from terp.gitops.embedded import OURS, work_tree
from terp.gitops.publication import BRANCH, publish
from terp.gitops.reading import read_catalogue
from terp.gitops.rollout import Rollout, Standing, Wanted
from terp.gitops.root import root_values
from terp.gitops.standins import write
from tests.integration.gitops.argo_cd import ArgoCd
from tests.integration.gitops.order import APPLICATIONS, Journal, State, state

KUBERNETES = EMBEDDED_VERSIONS[0]


class StandIns:
    """Every component of an environment; what others make is a stand-in, what is ours is real."""

    standing: Standing = ()

    def __init__(self, argo_cd: ArgoCd, served: Path, address: str, platform: Platform) -> None:
        self._cluster, self._repository = argo_cd.cluster, served / OURS
        git = GitRepository(repository=f"{address}/{OURS}", revision=BRANCH)
        self._platform = platform.model_copy(update={"git": git})
        catalogue = write(served, read_catalogue(), argo_cd.manifests, address)
        self._values = root_values("test", self._platform, catalogue)
        self._tree = work_tree(catalogue)
        self._client = self._cluster.client()
        self.waves = {name: each.wave for name, each in self._values.applications.items()}

    def journal(self) -> Journal:
        """What happens from now on."""
        return Journal(self._cluster.client(), self._platform.git.repository)

    def publish(self, **changed: str) -> str:
        """Commit our tree with more at the end of some charts' values; the commit."""
        for name, text in changed.items():
            file = f"charts/{name.replace('_', '-')}/values.yaml"
            self._tree[file] = self._tree.get(file, "") + text
        return publish(self._repository, self._tree)

    def roll_out(self, commit: str, wave_limit: int = 600) -> list[str]:
        """Lead everything to a commit, as `up` does; what was said meanwhile.

        Raises:
            HeldError: a wave took too long.
        """
        wanted = Wanted(
            name="test",
            kubeconfig=self._cluster.kubeconfig.read_text(),
            kubernetes_version=KUBERNETES,
            git=self._platform.git.model_copy(update={"revision": commit}),
            values=self._values,
            wave_limit=wave_limit,
        )
        said = Said()
        self.standing = Rollout().lead(wanted, said, threading.Event())
        return said.lines

    def states(self) -> Mapping[str, State]:
        """Every child as it is now."""
        items = self._client.get(APPLICATIONS).raise_for_status().json()["items"]
        children = (each for each in items if each["metadata"]["name"] != ROOT)
        return {
            found.name: found for each in children for found in [state(each, self._platform.git.repository)]
        }


class Said:
    """What is said to Pulumi's engine."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)
        sys.stdout.write(f"{line}\n")

    warn = progress = say
