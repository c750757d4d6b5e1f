"""A platform of stand-ins on the engines: its git, its root, and the wait until it has converged."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from terp.cloud.process import NotInTimeError, wait_for
from terp.environment.components import FOLDERS
from terp.environment.platform import GitRepository, Platform
from terp.gitops.application import ROOT, root_application
from terp.gitops.reading import read_catalogue
from terp.gitops.root import root_values
from terp.paths import PROJECT
from terp.progress import Progress
from tests.integration.gitops.argo_cd import ArgoCd
from tests.integration.gitops.order import APPLICATIONS, Journal, State, state
from tests.standins.upstreams import BRANCH, publish, write

OURS = "ours/terp"


class StandIns:
    """Every component of an environment; what others make is a stand-in, what is ours is real."""

    def __init__(
        self, argo_cd: ArgoCd, served: Path, address: str, platform: Platform, progress: Progress
    ) -> None:
        self._cluster, self._repository, self._progress = argo_cd.cluster, served / OURS, progress
        git = GitRepository(repository=f"{address}/{OURS}", revision=BRANCH)
        self._platform = platform.model_copy(update={"git": git})
        self._values = root_values("test", self._platform, write(served, read_catalogue(), address))
        self._tree = {
            str(file.relative_to(PROJECT)): file.read_text()
            for folder in FOLDERS
            for file in (PROJECT / folder).rglob("*")
            if file.is_file()
        }
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

    def begin(self) -> None:
        """Apply the root."""
        self._cluster.apply([root_application(self._platform.git, self._values)])

    def states(self) -> Mapping[str, State]:
        """Every child as it is now."""
        items = self._client.get(APPLICATIONS).raise_for_status().json()["items"]
        children = (each for each in items if each["metadata"]["name"] != ROOT)
        return {
            found.name: found for each in children for found in [state(each, self._platform.git.repository)]
        }

    def converge(self, commit: str, timeout: float) -> None:
        """Wait until every Application is settled with a commit.

        Raises:
            NotInTimeError: with what holds it.
        """
        with self._progress.task("platform") as task:

            def converged() -> bool:
                waiting = self._waiting(commit)
                task.update(_summary(waiting, self.waves), 1 - len(waiting) / len(self.waves))
                return not waiting

            try:
                wait_for("the platform", converged, timeout, 1)
            except NotInTimeError as error:
                pending = "\n".join(f"{name}: {why}" for name, why in self._waiting(commit).items())
                raise NotInTimeError(f"{error}\n{pending}") from None

    def _waiting(self, commit: str) -> Mapping[str, str]:
        """What is not settled with it, and why."""
        states = self.states()
        found = {}
        for name in self.waves:
            now = states.get(name)
            if now is None:
                found[name] = "not there yet"
            elif now.commit not in (None, commit):
                found[name] = "of an earlier commit"
            elif not now.settled:
                found[name] = now.why
        return found


def _summary(waiting: Iterable[str], waves: Mapping[str, int]) -> str:
    """`3 of 50 Applications are to come; wave 2: cert-manager`."""
    by_wave = defaultdict(list)
    for name in waiting:
        by_wave[waves[name]].append(name)
    if not by_wave:
        return f"all {len(waves)} Applications are healthy"
    first = min(by_wave)
    count = sum(map(len, by_wave.values()))
    return f"{count} of {len(waves)} Applications to come; wave {first}: {', '.join(by_wave[first])}"
