"""Proves a recovery set: that each object can be read and opened, and that each key opens what it should.

Nothing of the environment is asked or touched: a set is worth something on the day when that is gone.
"""

import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyrage.x25519 import Identity

from terp.command import CommandError
from terp.environment import read
from terp.errors import TerpError
from terp.kubernetes.keys import ENCRYPTION, fingerprint
from terp.progress import Progress
from terp.recovery import contents
from terp.recovery.age import ClosedError, unseal
from terp.recovery.check import Check
from terp.recovery.contents import Part, parts_of
from terp.recovery.etcd import TOOLS, Etcd
from terp.recovery.keys import fingerprint_checks, key_checks
from terp.recovery.manifest import DamagedError, Manifest, Sealed
from terp.recovery.sets import Sets
from terp.recovery.state import reveal
from terp.recovery.working import working_folder
from terp.tools import sync

PULUMI = "pulumi"
PROGRAM = frozenset({"Pulumi.yaml", "platform/__main__.py"})
"""What a work tree of Terp has."""


@dataclass(frozen=True)
class Open:
    """A set whose objects were decrypted into a private folder."""

    manifest: Manifest
    files: Mapping[str, Path]

    def has(self, *names: str) -> bool:
        """Whether all of these parts are there."""
        return self.files.keys() >= set(names)

    @property
    def stack_file(self) -> Path:
        """The environment's file under its own name, which says which stack it is of."""
        return self.files[contents.STACK_FILE].with_name(f"Pulumi.{self.manifest.stack}.yaml")

    def text(self, name: str) -> str:
        """A part that is text."""
        return self.files[name].read_text(errors="replace")

    @property
    def texts(self) -> dict[str, str]:
        """All parts that are keys or other short texts."""
        large = {contents.STATE, contents.WORK_TREE, contents.SNAPSHOT}
        return {name: self.text(name) for name in self.files.keys() - large}


def prove(sets: Sets, manifest: Manifest, keys: Sequence[Identity], progress: Progress) -> tuple[Check, ...]:
    """Everything that can be proved of a set; without `keys` that its objects are what was written.

    Raises:
        TerpError: the tools that open it are not to be had.
    """
    with opened(sets, manifest, keys, progress) as (_, checks):
        return checks


@contextmanager
def opened(
    sets: Sets, manifest: Manifest, keys: Sequence[Identity], progress: Progress
) -> Iterator[tuple[Open, tuple[Check, ...]]]:
    """As `prove`, with what is open in the block: in a private folder that is gone afterwards."""
    with working_folder(manifest.stack) as folder:
        yield _prove(sets, manifest, keys, folder, progress)


def _prove(
    sets: Sets, manifest: Manifest, keys: Sequence[Identity], folder: Path, progress: Progress
) -> tuple[Open, tuple[Check, ...]]:
    checks: list[Check] = []
    with progress.task(f"verify {manifest.name}") as task:
        task.update("objects")
        files: dict[str, Path] = {}
        for part in parts_of(manifest.layers):
            check = _read(sets, manifest.objects[part.name], part, keys, folder)
            checks.append(check)
            if keys and not check.problem:
                files[part.name] = folder / part.name
        found = Open(manifest, files)
        if not keys:
            return found, tuple(checks)
        checks += key_checks(found.texts)
        checks += fingerprint_checks(found.texts, manifest.fingerprints)
        checks += file_checks(found)
        if found.has(contents.STATE, contents.PASSPHRASE):
            task.update("state")
            checks += _state_checks(found, _made(folder / "pulumi"), progress)
        if found.has(contents.SNAPSHOT):
            task.update("snapshot of etcd")
            checks += _snapshot_checks(found, _made(folder / "etcd"), progress)
    return found, tuple(checks)


def file_checks(opened: Open) -> Iterator[Check]:
    """What needs no tool: the environment's file, and the work tree."""
    if opened.has(contents.STACK_FILE):
        file = opened.stack_file
        file.write_text(opened.text(contents.STACK_FILE))
        yield _check("the environment's file is valid", lambda: _environment(file))
    if opened.has(contents.WORK_TREE):
        yield _check("the work tree has the program", lambda: _work_tree(opened.files[contents.WORK_TREE]))


def _read(sets: Sets, stored: Sealed, part: Part, keys: Sequence[Identity], folder: Path) -> Check:
    """Fetch an object, and decrypt it where there are keys."""
    sealed = folder / f"{part.name}.age"
    try:
        sets.fetch(stored, sealed)
        if keys:
            unseal(sealed, folder / part.name, keys)
    except (DamagedError, ClosedError) as error:
        return _lost(part, error)
    finally:
        sealed.unlink(missing_ok=True)
    return Check(what=part.title, said=f"{'opened' if keys else 'read'}, {stored.size} bytes")


def _lost(part: Part, error: TerpError) -> Check:
    said = f"does not open: {error.message}" if isinstance(error, ClosedError) else error.message
    return Check(what=part.title, problem=f"{said}; without it {part.without}")


def _state_checks(opened: Open, folder: Path, progress: Progress) -> Iterator[Check]:
    toolchain = sync(PULUMI, progress)
    try:
        revealed = reveal(
            opened.text(contents.STATE),
            opened.text(contents.PASSPHRASE),
            opened.manifest.stack,
            folder,
            toolchain,
        )
    except CommandError as error:
        yield Check(what="the state opens with its passphrase", problem=error.message)
        return
    yield Check(what="the state opens with its passphrase", said=f"{revealed.number} resources")
    recorded = revealed.keys()
    there = sorted(recorded.keys() & opened.files.keys())
    wrong = [name for name in there if fingerprint(recorded[name]) != fingerprint(opened.text(name))]
    yield Check(
        what="the keys are those that the state records",
        said=f"{len(there)} keys",
        problem=f"{', '.join(wrong)}: another key" if wrong else "" if there else "it records none",
    )


def _snapshot_checks(opened: Open, folder: Path, progress: Progress) -> Iterator[Check]:
    etcd, data = Etcd(sync(TOOLS, progress)), folder / "data"
    snapshot, recorded = opened.files[contents.SNAPSHOT], opened.manifest.etcd_revision
    what = "etcdutl restores the snapshot"
    try:
        revision = etcd.revision(snapshot)
        etcd.restore(snapshot, data)
    except CommandError as error:
        yield Check(what=what, problem=error.message)
        return
    other = f"its revision is {revision} instead of {recorded}" if revision != recorded else ""
    yield Check(what=what, said=f"revision {revision}", problem=other)
    encrypted = "encryption" in opened.manifest.layers
    if encrypted and not opened.has(ENCRYPTION):
        return  # which is told of already
    key = opened.text(ENCRYPTION).strip().encode() if encrypted else None
    yield _check("the Secrets in the snapshot open", lambda: _secrets(etcd, data, key))


def _secrets(etcd: Etcd, data: Path, key: bytes | None) -> tuple[str, str]:
    found = etcd.secrets(data, key)
    said = f"{found.opened} of {found.encrypted} encrypted ones, {found.all} Secrets"
    if key and not found.encrypted:
        return said, "none is encrypted: nothing shows that the key is the right one"
    closed = found.encrypted - found.opened
    return said, f"{closed} of {found.encrypted} do not open with the key" if closed else ""


def _environment(file: Path) -> tuple[str, str]:
    environment = read(file)
    return f"owner {environment.owner}, cloud {environment.cloud.name}", ""


def _work_tree(file: Path) -> tuple[str, str]:
    with tarfile.open(file) as archive:
        names = set(archive.getnames())
    missing = sorted(PROGRAM - names)
    return f"{len(names)} files", f"it lacks {', '.join(missing)}" if missing else ""


def _check(what: str, look: Callable[[], tuple[str, str]]) -> Check:
    """What is seen and what is wrong with it; an error is what is wrong."""
    try:
        said, problem = look()
    except (TerpError, ValueError, EOFError, OSError, tarfile.TarError) as error:
        return Check(what=what, problem=str(error))
    return Check(what=what, said=said, problem=problem)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
