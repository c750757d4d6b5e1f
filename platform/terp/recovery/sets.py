"""The recovery sets of one stack in a store: written, found, read, and removed when their time is over.

The manifest is written last and removed first: what was interrupted in either has none, and does not count.
"""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from terp.environment.recovery import Retention
from terp.errors import TerpError
from terp.model import Model
from terp.recovery.manifest import NAME, DamagedError, Manifest, Sealed, created, read_manifest
from terp.recovery.retention import kept
from terp.recovery.store import Entry, Store

SETS, OBJECTS, ENDING = "sets", "objects", ".json"
LATEST = "latest"
ORPHANED = timedelta(days=1)
"""How old an object of no set is before it is removed: of a younger one somebody may be writing the set."""


class Standing(Model):
    """A set as it lies in the store; with a `problem` it cannot be used."""

    name: str
    manifest: Manifest | None = None
    problem: str = ""

    @property
    def created(self) -> datetime:
        """When it was made."""
        return created(self.name)


class Sets:
    """The sets of one stack."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, sealed: Path) -> Sealed:
        """Store an object; it counts when a manifest names it."""
        found = Sealed(sha256=digest(sealed), size=sealed.stat().st_size)
        self._store.put(f"{OBJECTS}/{found.sha256}", sealed)
        return found

    def complete(self, manifest: Manifest) -> None:
        """Make the objects that it names a set.

        Raises:
            DamagedError: one of them is not there.
        """
        if problem := _missing(manifest, self._store.entries(OBJECTS)):
            raise DamagedError(f"the set cannot be completed: {problem}", hint="run it again")
        with tempfile.NamedTemporaryFile(prefix="terp-manifest-") as file:
            file.write(manifest.content)
            file.flush()
            self._store.put(f"{SETS}/{manifest.name}{ENDING}", Path(file.name))

    def standing(self) -> tuple[Standing, ...]:
        """All sets, oldest first, with what is seen of each without reading its objects."""
        objects = self._store.entries(OBJECTS)
        found = sorted(self._store.entries(SETS))
        names = [name.removesuffix(ENDING) for name in found]
        return tuple(self._stands(name, objects) for name in names if NAME.fullmatch(name))

    def find(self, wanted: str) -> Manifest:
        """The newest usable set for `latest`, else the one whose name begins like this.

        Raises:
            TerpError: there is none, or more than one (exit code 2).
            DamagedError: it cannot be used.
        """
        sets = self.standing()
        if wanted == LATEST:
            usable = [each.manifest for each in sets if each.manifest and not each.problem]
            if not usable:
                raise TerpError(_none(sets), hint="make one: terp backup STACK", exit_code=2)
            return usable[-1]
        found = [each for each in sets if each.name.startswith(wanted)]
        if len(found) != 1 or not wanted:
            said = "no set begins" if not found else f"{len(found)} sets begin"
            known = ", ".join(each.name for each in sets) or "none"
            raise TerpError(f"{said} with {wanted!r}", hint=f"there are: {known}", exit_code=2)
        if found[0].problem or not found[0].manifest:
            raise DamagedError(
                f"set {found[0].name}: {found[0].problem}", hint="take another: terp backup list"
            )
        return found[0].manifest

    def fetch(self, sealed: Sealed, to: Path) -> None:
        """Copy an object of a set, which is still encrypted.

        Raises:
            DamagedError: it is not there, or not what was written.
        """
        try:
            self._store.get(f"{OBJECTS}/{sealed.sha256}", to)
        except FileNotFoundError as error:
            raise DamagedError("it is missing") from error
        if (size := to.stat().st_size) != sealed.size:
            raise DamagedError(f"it has {size} bytes instead of {sealed.size}")
        if digest(to) != sealed.sha256:
            raise DamagedError("its content was changed")

    def prune(self, retention: Retention, now: datetime) -> tuple[str, ...]:
        """Remove the sets whose time is over, and objects that belong to none; the names of the sets.

        Sets that cannot be used neither stay instead of others nor are removed; while there are any, objects
        stay: nobody knows which are theirs.
        """
        sets = self.standing()
        usable = [each for each in sets if not each.problem]
        stay = kept([each.created for each in usable], retention)
        over = tuple(each.name for each in usable if each.created not in stay)
        for name in over:
            self._store.remove(f"{SETS}/{name}{ENDING}")
        if len(usable) == len(sets):
            self._sweep([each.manifest for each in usable if each.manifest and each.name not in over], now)
        return over

    def _sweep(self, staying: Sequence[Manifest], now: datetime) -> None:
        named = {sealed.sha256 for manifest in staying for sealed in manifest.objects.values()}
        for name, entry in self._store.entries(OBJECTS).items():
            if name not in named and now - entry.written > ORPHANED:
                self._store.remove(f"{OBJECTS}/{name}")

    def _stands(self, name: str, objects: Mapping[str, Entry]) -> Standing:
        with tempfile.NamedTemporaryFile(prefix="terp-manifest-") as file:
            self._store.get(f"{SETS}/{name}{ENDING}", Path(file.name))
            content = Path(file.name).read_bytes()
        try:
            manifest = read_manifest(name, content)
        except DamagedError as error:
            return Standing(name=name, problem=error.message)
        return Standing(name=name, manifest=manifest, problem=_missing(manifest, objects))


def age_of(sets: Sequence[Standing], now: datetime | None = None) -> timedelta | None:
    """How old the newest usable set is; None when there is none."""
    usable = [each.created for each in sets if not each.problem]
    return (now or datetime.now(UTC)) - usable[-1] if usable else None


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _missing(manifest: Manifest, objects: Mapping[str, Entry]) -> str:
    """Which of its objects are not there in their size; nothing when all are."""
    problems = [
        name if sealed.sha256 not in objects else f"{name} in its size"
        for name, sealed in manifest.objects.items()
        if sealed.sha256 not in objects or objects[sealed.sha256].size != sealed.size
    ]
    return f"it lacks {', '.join(problems)}" if problems else ""


def _none(sets: Sequence[Standing]) -> str:
    if not sets:
        return "there is no recovery set"
    return f"none of {len(sets)} recovery sets can be used; the newest: {sets[-1].problem}"
