"""Files as the newest commit of a bare repository, which is made if it is new."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from terp.command import Command

BRANCH = "main"
NOBODY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "terp", "EMAIL": "terp@example.org", "DATE": "2026-01-01T00:00:00Z"}.items()
}
"""Equal files give equal commits."""
LIMIT = 120.0
"""Seconds for one call of git."""


def publish(repository: Path, tree: Mapping[str, str]) -> str:
    """Make these texts, by path, all that the newest commit has; its hash. Equal texts make no new one.

    Raises:
        CommandError: git refuses.
    """
    with tempfile.TemporaryDirectory(prefix="terp-publish-") as name:
        work, index = Path(name) / "work", Path(name) / "index"
        git = _git(repository, work, index)
        for path, text in tree.items():
            file = work / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        work.mkdir(exist_ok=True)
        git.run("add", "--all", "--force", ".")
        written = git.output("write-tree").strip()
        newest = git.output("for-each-ref", "--format=%(objectname) %(tree)", f"refs/heads/{BRANCH}").split()
        if newest and newest[1] == written:
            return newest[0]
        parent = ("-p", newest[0]) if newest else ()
        commit = git.output("commit-tree", written, *parent, "-m", "As it is now").strip()
        git.run("update-ref", f"refs/heads/{BRANCH}", commit)
        return commit


def _git(repository: Path, work: Path, index: Path) -> Command:
    mine = frozenset(name for name in os.environ if not name.startswith("GIT_"))
    env = {**NOBODY, "GIT_INDEX_FILE": str(index)}
    git = ("git", "--git-dir", str(repository))
    if not (repository / "HEAD").exists():
        repository.mkdir(parents=True, exist_ok=True)
        made = Command(git, timeout=LIMIT, only=mine)
        made.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={BRANCH}")
    work.mkdir(parents=True, exist_ok=True)
    return Command((*git, "--work-tree", str(work)), timeout=LIMIT, env=env, only=mine, cwd=work)
