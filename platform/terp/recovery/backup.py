"""Writes a recovery set: gathered, looked through, encrypted, stored, and the manifest last of all."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from terp.environment import Environment
from terp.environment.recovery import S3, Recovery
from terp.errors import TerpError
from terp.progress import Progress
from terp.recovery.age import seal
from terp.recovery.contents import parts_of
from terp.recovery.gathering import Gathered, gather
from terp.recovery.keys import fingerprint_checks, key_checks
from terp.recovery.manifest import Manifest, Sealed
from terp.recovery.proof import Open, file_checks
from terp.recovery.sets import Sets
from terp.recovery.store import Directory, Store
from terp.recovery.working import working_folder
from terp.stack.workspace import Workspace
from terp.tools import Toolchain

SCHEME = "s3://"


class Written(NamedTuple):
    """A new set, and the names of those whose time was over."""

    manifest: Manifest
    removed: tuple[str, ...]


def settings_of(environment: Environment) -> Recovery:
    """Where the sets of an environment go, and who opens them.

    Raises:
        TerpError: its file does not say that (exit code 2).
    """
    if environment.recovery is None:
        raise TerpError(
            "the environment does not say where its recovery sets go",
            hint="add `recovery` to its file: terp explain recovery",
            exit_code=2,
        )
    return environment.recovery


def sets_of(place: str, stack: str, service: S3 | None = None) -> Sets:
    """The sets of a stack in a directory, or in a bucket of a service.

    Raises:
        TerpError: there is none, or it may not be used (exit code 2).
    """
    store: Store
    if place.startswith(SCHEME):
        from terp.recovery.s3 import Bucket  # directories save its time

        store = Bucket(place, stack, service or S3())
    else:
        store = Directory(Path(place), stack)
    return Sets(store)


def backup(workspace: Workspace, toolchain: Toolchain, progress: Progress) -> Written:
    """Write a recovery set of an environment, and remove those whose time is over.

    Raises:
        TerpError: something could not be gathered or is not what it should be; there is no new set then.
    """
    settings = settings_of(workspace.environment)
    sets = sets_of(settings.to, workspace.stack, settings.s3)
    with working_folder(workspace.stack) as folder:
        with progress.task(f"gather {workspace.stack}") as task:
            gathered = gather(workspace, toolchain, folder, task)
        with progress.task("encrypt and store") as task:
            manifest = write(sets, workspace.stack, gathered, settings.recipients)
            task.update(f"set {manifest.name}")
    return Written(manifest, sets.prune(settings.retention, datetime.now(UTC)))


def write(sets: Sets, stack: str, gathered: Gathered, recipients: tuple[str, ...]) -> Manifest:
    """Make what was gathered a set.

    Raises:
        TerpError: a key does not open what it should, or a file is not whole.
    """
    objects: dict[str, Sealed] = {}
    for part in parts_of(gathered.layers):
        sealed = gathered.folder / f"{part.name}.age"
        seal(gathered.files[part.name], sealed, recipients)
        objects[part.name] = sets.put(sealed)
        sealed.unlink()
    manifest = Manifest(
        stack=stack,
        created=gathered.created,
        layers=tuple(gathered.layers),
        revision=gathered.revision,
        recipients=recipients,
        fingerprints=gathered.fingerprints,
        etcd_revision=gathered.etcd_revision,
        objects=objects,
    )
    opened = Open(manifest, gathered.files)
    checks = (
        *key_checks(opened.texts),
        *fingerprint_checks(opened.texts, manifest.fingerprints),
        *file_checks(opened),
    )
    if problems := [f"{each.what}: {each.problem}" for each in checks if each.problem]:
        raise TerpError("this would be no set:\n" + "\n".join(problems), hint="nothing was kept of it")
    sets.complete(manifest)
    return manifest
