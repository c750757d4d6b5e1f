"""Brings what Argo CD reads, `charts/` and `kustomize/`, to its repository: one commit, never by force."""

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from terp.command import Command, CommandError
from terp.environment.components import FOLDERS
from terp.errors import TerpError
from terp.paths import PROJECT

LIMIT = 600.0
"""Seconds for what crosses the network."""


class Published(NamedTuple):
    """The newest commit of the branch, and whether it is new."""

    commit: str
    new: bool


def publish(stack: str, to: str, branch: str, *, dirty: bool = False, tree: Path = PROJECT) -> Published:
    """Push the work tree's folders to a branch; what else the branch has stays, and its history, too.

    Raises:
        TerpError: something is not committed and `dirty` does not allow that (exit code 2), or the remote
            cannot be reached, refuses, or has moved on meanwhile.
    """
    project = Command(("git", "-C", str(tree)))
    if (changed := project.output("status", "--porcelain", "--", *FOLDERS)) and not dirty:
        raise TerpError(
            f"not committed:\n{changed}", hint="commit it, or publish it as it is: --dirty", exit_code=2
        )
    version = project.output("describe", "--always", "--tags") + (
        " and what is not committed" if changed else ""
    )
    with tempfile.TemporaryDirectory(prefix="terp-publish-") as name:
        scratch = _scratch(Path(name), tree)
        parent = _tip(scratch, to, branch)
        if parent:
            scratch.run("read-tree", parent)
        scratch.run("rm", "-r", "--cached", "--quiet", "--force", "--ignore-unmatch", "--", *FOLDERS)
        scratch.run(
            "add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=_files(project, tree)
        )
        files = scratch.output("write-tree")
        if parent and files == scratch.output("rev-parse", f"{parent}^{{tree}}"):
            return Published(parent, new=False)
        message = (
            f"The platform of {stack} at {version}\n\nFrom commit {project.output('rev-parse', 'HEAD')}.\n"
        )
        commit = scratch.output(
            "commit-tree", files, *(("-p", parent) if parent else ()), "-F", "-", stdin=message
        )
        try:
            scratch.run("push", "--quiet", "--", to, f"{commit}:refs/heads/{branch}")
        except CommandError as error:
            hint = "has it moved on meanwhile? Then publish again; nothing is ever forced"
            raise TerpError(f"{to} refuses branch {branch}: {error.message}", hint=hint) from error
    return Published(commit, new=True)


def _scratch(place: Path, tree: Path) -> Command:
    """A repository beside the user's own, which stays as it is; names and credentials are git's settings."""
    env = {
        "GIT_DIR": str(place / "git"),
        "GIT_WORK_TREE": str(tree),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=10"),
    }
    git = Command(("git",), timeout=LIMIT, env=env, cwd=tree)
    git.run("init", "--quiet", "--template=")
    return git


def _tip(scratch: Command, to: str, branch: str) -> str | None:
    """The newest commit of the branch, which is fetched; None where there is no such branch."""
    try:
        found = scratch.output("ls-remote", "--", to, f"refs/heads/{branch}").split()
        if not found:
            return None
        scratch.run("fetch", "--quiet", "--depth=1", "--no-tags", "--", to, found[0])
    except CommandError as error:
        hint = "its address, and what git has as credential for it"
        raise TerpError(f"{to} cannot be read: {error.message}", hint=hint) from error
    return found[0]


def _files(project: Command, tree: Path) -> str:
    """All that git knows of or would, as it is in the work tree."""
    options = ("-z", "--cached", "--others", "--exclude-standard")
    names = set(project.output("ls-files", *options, "--", *FOLDERS).split("\0"))
    return "".join(f"{name}\0" for name in sorted(names) if name and (tree / name).is_file())
