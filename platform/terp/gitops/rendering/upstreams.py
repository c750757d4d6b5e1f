"""Where charts and manifests of others are had: from their own addresses, or from a folder."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from terp.command import Command, CommandError
from terp.errors import TerpError
from terp.gitops.rendering.helm import Helm
from terp.tools.build import NETWORK

LIMIT = 600.0
"""Seconds for all that git fetches."""
SILENT = re.compile(rf"{NETWORK.pattern}|Could not resolve host|Failed to connect|Connection timed out")
"""What Helm and git say of a host that is not reached."""


class Upstreams:
    """Charts and repositories of others, each fetched once.

    A folder that is given takes the place of all addresses. It has a chart as `<chart>` or as
    `<chart>-<version>.tgz`, and a git repository by its owner and name, as a mirror has it. `digests` has the
    SHA-256 that the archive of `<chart>-<version>` must have, where one is known.
    """

    def __init__(
        self,
        helm: Helm,
        cache: Path,
        scratch: Path,
        given: Path | None = None,
        digests: Mapping[str, str] | None = None,
    ) -> None:
        self._helm, self._cache, self._scratch, self._given = helm, cache, scratch, given
        self._digests = digests or {}
        self._silent: dict[str, str] = {}

    def chart(self, repository: str, chart: str, version: str) -> Path:
        """A folder or an archive with the chart.

        Raises:
            TerpError: it cannot be had, or is not the one whose digest is known.
        """
        found = self._chart(repository, chart, version)
        wanted = self._digests.get(f"{chart}-{version}")
        if (
            wanted
            and found.is_file()
            and (is_now := hashlib.sha256(found.read_bytes()).hexdigest()) != wanted
        ):
            raise TerpError(
                f"chart {chart} {version} is not the one that charts/versions.yaml pins: "
                f"SHA-256 {is_now} instead of {wanted}",
                hint=f"who has changed it? It lies at {found}",
            )
        return found

    def _chart(self, repository: str, chart: str, version: str) -> Path:
        if self._given:
            return _chart_in(self._given, chart, version)
        place = self._cache / "charts" / _digest(repository) / f"{chart}-{version}"
        if not list(place.glob("*.tgz")):
            new = self._scratch / f"{chart}-{version}"
            new.mkdir(parents=True, exist_ok=True)
            with self._asking(repository, f"chart {chart} {version}"):
                self._helm.pull(repository, chart, version, new)
            place.mkdir(parents=True, exist_ok=True)
            for archive in new.glob("*.tgz"):
                archive.replace(place / archive.name)
        return next(place.glob("*.tgz"))

    def repository(self, url: str, commit: str) -> Path:
        """A work tree of a repository at a commit, of this run alone.

        Raises:
            TerpError: it cannot be had.
        """
        tree = self._scratch / f"{_digest(url)}-{commit}"
        if not tree.exists():
            name = "/".join(url.removesuffix(".git").rstrip("/").split("/")[-2:])
            address = str(self._given / name) if self._given else url
            git = _git(self._cache / "git" / _digest(address))
            if git.run("cat-file", "-e", f"{commit}^{{commit}}", check=False).returncode:
                with self._asking(address, f"{name} at {commit[:12]}"):
                    git.run("fetch", "--quiet", "--depth=1", "--no-tags", "--", address, commit)
            tree.mkdir(parents=True)
            git.run("--work-tree", tree, "checkout", "--quiet", "--force", commit, "--", ".")
        return tree

    @contextmanager
    def _asking(self, address: str, what: str) -> Iterator[None]:
        """A host that cannot be reached is not asked again."""
        host = urlsplit(address).hostname or address.partition("/")[0]
        if host in self._silent:
            raise _unavailable(what, self._silent[host])
        try:
            yield
        except CommandError as error:
            said = (error.output.strip().splitlines() or [error.message])[-1]
            if SILENT.search(error.output):
                self._silent[host] = f"{host} could not be reached before"
            raise _unavailable(what, said) from error


def _unavailable(what: str, why: str) -> TerpError:
    return TerpError(f"{what} cannot be had: {why}", hint="--charts names a folder that has it")


def _chart_in(folder: Path, chart: str, version: str) -> Path:
    archive, tree = folder / f"{chart}-{version}.tgz", folder / chart
    if archive.exists():
        return archive
    if not (tree / "Chart.yaml").exists():
        why = f"{folder} has neither {archive.name} nor {chart}/Chart.yaml"
        raise _unavailable(f"chart {chart} {version}", why)
    found = str(yaml.safe_load((tree / "Chart.yaml").read_text())["version"])
    if found.removeprefix("v") != version.removeprefix("v"):
        raise _unavailable(f"chart {chart} {version}", f"{tree} is version {found}")
    return tree


def _git(place: Path) -> Command:
    env = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10"}
    mine = frozenset(name for name in os.environ if not name.startswith("GIT_"))
    slow = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30")
    git = Command(("git", "--git-dir", str(place), *slow), timeout=LIMIT, env=env, only=mine)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        git.run("init", "--quiet", "--bare", "--template=")
    return git


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
