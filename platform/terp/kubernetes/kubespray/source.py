"""Trees of Kubespray in the cache: taken once, whole, and verified; never changed.

kubespray/<release>-<digits>/tree          as it is at its origin
kubespray/<release>-<digits>/origin.json   a `Tree` without its path
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from terp.environment.kubespray import known_commit
from terp.errors import TerpError
from terp.kubernetes.kubespray.origins import Origin, origin
from terp.model import Model
from terp.paths import cache_dir
from terp.virtualenv import Say, alone

DIGITS = 12
"""Of a commit or digest in a path."""


class Tree(Model):
    """A release of Kubespray at `path`; `commit` is None where nothing says which one it is."""

    version: str
    source: str
    commit: str | None
    path: Path


def tree(version: str, source: str, commit: str | None, say: Say) -> Tree:
    """The tree of a release from `source`, taken now unless it is there.

    Args:
        version: tag, `v2.31.0`; of a folder or archive the release that it is made from.
        source: git repository, or a folder or archive of this machine.
        commit: what the tag must stand at; if None, what Terp knows of the release.
        say: told what it does.

    Raises:
        TerpError: it is not there, is another release or another commit (exit code 2), or git failed.
    """
    place = origin(source)
    key = f"{version}-{place.identity(commit or known_commit(version))[:DIGITS]}"
    home = cache_dir() / "kubespray" / key
    if not (found := _found(home)):
        home.parent.mkdir(parents=True, exist_ok=True)
        with alone(home.parent / f"{key}.lock", say):
            if not (found := _found(home)):
                say(f"takes {version} from {source}")
                found = _take(place, version, source, commit, home)
    _check_commit(found.commit, commit, version, source)
    return found


def trees() -> tuple[Tree, ...]:
    """Those that were taken."""
    homes = sorted((cache_dir() / "kubespray").glob("v*/"))
    return tuple(found for home in homes if (found := _found(home)))


def _take(place: Origin, version: str, source: str, asked: str | None, home: Path) -> Tree:
    with _new(home) as new:
        (scratch := new / "scratch").mkdir()
        commit = place.take(version, new / "tree", scratch)
        shutil.rmtree(scratch)
        _check_commit(commit, asked, version, source)
        _check_release(new / "tree", version, source)
        taken = Tree(version=version, source=source, commit=commit, path=home / "tree")
        (new / "origin.json").write_text(taken.model_dump_json(exclude={"path"}, indent=1))
        if home.exists():  # without its record
            shutil.rmtree(home)
        new.rename(home)
    return taken


@contextmanager
def _new(home: Path) -> Iterator[Path]:
    """A folder beside `home`; what is left of it after the block is removed."""
    new = home.with_name(f".{home.name}.new")
    shutil.rmtree(new, ignore_errors=not new.exists())  # of a run that was killed
    new.mkdir()
    try:
        yield new
    finally:
        shutil.rmtree(new, ignore_errors=not new.exists())


def _found(home: Path) -> Tree | None:
    try:
        record = json.loads((home / "origin.json").read_text())
        return Tree.model_validate({**record, "path": home / "tree"})
    except (FileNotFoundError, ValueError):  # also a torn or older record
        return None


def _check_commit(found: str | None, asked: str | None, version: str, source: str) -> None:
    """What says nothing of its commit is somebody's own, and passes unless a commit is asked for."""
    if asked and not found:
        raise TerpError(
            f"nothing in {source} says that it is the commit {asked}",
            hint="name a git repository, or leave kubernetes.kubespray.commit out",
            exit_code=2,
        )
    pinned = asked or known_commit(version)
    if found and pinned and found != pinned:
        raise TerpError(
            f"{version} of {source} is the commit {found}, not {pinned}",
            hint="if it is the right one, say so: kubernetes.kubespray.commit",
            exit_code=2,
        )


def _check_release(tree: Path, version: str, source: str) -> None:
    """galaxy.yml says which release it is."""
    needed = ("cluster.yml", "requirements.txt", "roles", "galaxy.yml")
    if missing := [name for name in needed if not (tree / name).exists()]:
        raise TerpError(f"{source} is no tree of Kubespray: it has no {', '.join(missing)}", exit_code=2)
    galaxy = yaml.safe_load((tree / "galaxy.yml").read_text())
    if (release := f"v{galaxy.get('version')}") != version:
        raise TerpError(
            f"{source} is Kubespray {release}, not {version}",
            hint="kubernetes.kubespray.version says which one it is",
            exit_code=2,
        )
