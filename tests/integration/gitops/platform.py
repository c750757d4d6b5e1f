"""A platform of stand-ins on the engines: its git, and how it is rolled out."""

import sys
import threading
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path

from terp.cloud.services.sources import server_of
from terp.environment.kubernetes import EMBEDDED_VERSIONS
from terp.environment.platform import GitRepository, Platform
from terp.gitops.application import ROOT
from terp.gitops.catalogue import Catalogue
from terp.gitops.embedded import OURS, work_tree
from terp.gitops.publication import BRANCH, publish
from terp.gitops.reading import read_catalogue
from terp.gitops.rollout import Rollout, Standing, Wanted
from terp.gitops.root import root_values
from terp.gitops.standins import write
from tests.integration.gitops.argo_cd import ArgoCd
from tests.integration.gitops.order import APPLICATIONS, Journal, State, state

KUBERNETES = EMBEDDED_VERSIONS[0]


class Sources:
    """What hands out git and charts; it can vanish, and come back at its address."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._port = folder, 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._server = server_of(self.folder, self._port)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()


class StandIns:
    """Every component of an environment; what others make is a stand-in, what is ours is real."""

    standing: Standing = ()

    def __init__(
        self, argo_cd: ArgoCd, sources: Sources, platform: Platform, catalogue: Catalogue | None = None
    ) -> None:
        self.sources = sources
        self._argo_cd, self._cluster = argo_cd, argo_cd.cluster
        self._repository = sources.folder / OURS
        git = GitRepository(repository=f"{sources.address}/{OURS}", revision=BRANCH)
        self._platform = platform.model_copy(update={"git": git})
        self._catalogue = catalogue or read_catalogue()
        self._client = self._cluster.client()
        self._tree = work_tree(self._written())

    @property
    def waves(self) -> Mapping[str, int]:
        """Of each Application."""
        return {name: each.wave for name, each in self._values.applications.items()}

    def take(self, **versions: str) -> None:
        """Take upstreams in other versions from now on."""
        found = dict(self._catalogue.upstreams)
        for name, version in ((each.replace("_", "-"), version) for each, version in versions.items()):
            found[name] = found[name].model_copy(update={"version": version})
        self._catalogue = self._catalogue.model_copy(update={"upstreams": found})
        self._written()

    def switch(self, **components: bool) -> None:
        """Switch components on or off from now on."""
        chosen = {name.replace("_", "-"): on for name, on in components.items()}
        switched = {**self._platform.components, **chosen}
        self._platform = self._platform.model_copy(update={"components": switched})
        self._written()

    def _written(self) -> Catalogue:
        """The catalogue whose stand-ins are handed out, and the root's values of it."""
        sources = self.sources
        catalogue = write(sources.folder, self._catalogue, self._argo_cd.manifests, sources.address)
        self._values = root_values("test", self._platform, catalogue)
        return catalogue

    def journal(self) -> Journal:
        """What happens from now on."""
        return Journal(self._cluster.client(), self._platform.git.repository)

    def publish(self, **changed: str) -> str:
        """Commit our tree with more at the end of some charts' values; the commit."""
        for name, text in changed.items():
            file = f"charts/{name.replace('_', '-')}/values.yaml"
            self._tree[file] = self._tree.get(file, "") + text
        return publish(self._repository, self._tree)

    def text(self, file: str) -> str:
        """What a file of our tree has."""
        return self._tree[file]

    def spoiled(self, file: str, text: str) -> str:
        """A commit in which a file is another one, or new; the next one has it as before."""
        return publish(self._repository, {**self._tree, file: text})

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
