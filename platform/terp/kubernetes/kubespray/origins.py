"""Where a tree of Kubespray can come from: a git repository, a folder, or an archive; none is changed."""

import hashlib
import os
import re
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from terp.command import Command, CommandError
from terp.errors import TerpError
from terp.paths import PROJECT

LIMIT = 600.0
"""Seconds for all that git fetches."""
SLOW = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30")
"""git gives up on a server that sends less than 1000 bytes a second for 30 seconds."""
UNATTENDED = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10"}
"""A question that nobody answers would wait for the whole limit."""
OF_A_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
"""What git sets for its hooks, and what would lead ours to another repository."""
REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|[^/]+:")
"""How addresses begin: `https://…`, `git@host:…`."""
ARCHIVE = (".tar.gz", ".tgz")


class Origin(Protocol):
    """One of the three."""

    def identity(self, pinned: str | None) -> str:
        """Hexadecimal digits that are others when the content may be another."""

    def take(self, version: str, into: Path, scratch: Path) -> str | None:
        """Put the tree into a new folder, and return its commit if there is one to be known."""


@dataclass(frozen=True)
class Repository:
    """A git repository, of which the tag of the release is taken, and never what is not committed."""

    url: str

    def identity(self, pinned: str | None) -> str:
        """The commit stands for its content, wherever it comes from."""
        return pinned or hashlib.sha256(self.url.encode()).hexdigest()

    def take(self, version: str, into: Path, scratch: Path) -> str:
        """Git checks what it fetches against the commit's hash."""
        mine = frozenset(os.environ) - frozenset(OF_A_REPOSITORY)
        command = ("git", "--git-dir", str(scratch / "git"), *SLOW)
        env = {name: value for name, value in UNATTENDED.items() if name not in os.environ}
        git = Command(command, timeout=LIMIT, env=env, only=mine)
        git.run("init", "--quiet", "--bare", "--template=")
        try:
            git.run("fetch", "--quiet", "--depth=1", "--no-tags", "--", self.url, f"refs/tags/{version}")
        except CommandError as error:
            if "couldn't find remote ref" in error.output.lower():
                raise TerpError(f"{self.url} has no tag {version}", exit_code=2) from error
            error.hint = "kubernetes.kubespray.source may also be a folder or an archive of this machine"
            raise
        commit = git.output("rev-parse", "FETCH_HEAD^{commit}")
        into.mkdir()
        git.run("--work-tree", into, "checkout", "--quiet", "--force", commit, "--", ".")
        return commit


@dataclass(frozen=True)
class Folder:
    """A folder that is no git repository."""

    path: Path

    def identity(self, pinned: str | None) -> str:
        """Over names, contents and what is executable."""
        digest = hashlib.sha256()
        for folder, inner, files in os.walk(self.path):
            inner.sort()
            for name in sorted([*files, *(each for each in inner if (Path(folder) / each).is_symlink())]):
                file = Path(folder) / name
                digest.update(f"{file.relative_to(self.path)}\0{_kind(file)}\0".encode())
                if not file.is_symlink():
                    digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def take(self, version: str, into: Path, scratch: Path) -> None:
        """A copy: a run sees no edits that are made while it runs."""
        shutil.copytree(self.path, into, symlinks=True)
        if Folder(into).identity(None) != self.identity(None):
            raise TerpError(f"{self.path} changed while it was copied", hint="try again")


def _kind(file: Path) -> str:
    if file.is_symlink():
        return f"-> {file.readlink()}"
    return "x" if file.stat().st_mode & 0o100 else "-"


@dataclass(frozen=True)
class Archive:
    """A .tar.gz, as `git archive` and the pages of releases make it."""

    path: Path

    def identity(self, pinned: str | None) -> str:
        """Over the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def take(self, version: str, into: Path, scratch: Path) -> str | None:
        """The commit is what the archive says of itself, if `git archive` made it."""
        unpacked = scratch / "unpacked"
        try:
            with tarfile.open(self.path, "r:gz") as packed:
                packed.extractall(unpacked, filter="data")
                commit = packed.pax_headers.get("comment")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise TerpError(f"{self.path} cannot be unpacked: {error}", exit_code=2) from error
        inner = list(unpacked.iterdir())
        (inner[0] if len(inner) == 1 and inner[0].is_dir() else unpacked).rename(into)
        return commit


def origin(source: str) -> Origin:
    """What a source means; paths are from the work tree.

    Raises:
        TerpError: it is nothing that there is (exit code 2).
    """
    if REMOTE.match(source):
        if source.endswith(ARCHIVE):
            raise TerpError(
                f"{source} is no git repository", hint="fetch the archive, and name its path", exit_code=2
            )
        return Repository(source)
    path = PROJECT / Path(source).expanduser()
    if path.is_dir():
        bare = (path / "HEAD").is_file() and (path / "objects").is_dir()
        return Repository(path.resolve().as_uri()) if bare or (path / ".git").exists() else Folder(path)
    if path.is_file():
        return Archive(path)
    raise TerpError(f"there is no {path}", hint="kubernetes.kubespray.source says so", exit_code=2)
