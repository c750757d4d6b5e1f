"""The files of a revision of our repository, beside the work tree."""

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from terp.command import Command, CommandError
from terp.errors import TerpError
from terp.paths import PROJECT


@contextmanager
def tree_of(revision: str, repository: Path = PROJECT) -> Iterator[Path]:
    """A folder with all files of a revision, for as long as the block lasts.

    Raises:
        TerpError: there is no such revision, or the work tree is no git repository (exit code 2).
    """
    git = Command(("git", "-C", str(repository)))
    try:
        commit = git.output("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except CommandError as error:
        hint = f"git in {repository} knows branches, tags and commits; or --against cluster"
        raise TerpError(f'there is no revision "{revision}"', hint=hint, exit_code=2) from error
    with tempfile.TemporaryDirectory(prefix="terp-revision-") as name:
        archive, tree = Path(name) / "archive.tar", Path(name) / "tree"
        git.run("archive", "--format=tar", "--output", archive, commit)
        with tarfile.open(archive) as packed:
            packed.extractall(tree, filter="data")
        archive.unlink()
        yield tree
