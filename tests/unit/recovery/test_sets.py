import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.recovery.samples import KEY, NOW, OTHER, gathered, manifest, texts, work_tree

from terp.environment.recovery import Retention
from terp.errors import TerpError
from terp.recovery import contents
from terp.recovery.age import ClosedError, unseal
from terp.recovery.backup import write
from terp.recovery.contents import parts_of
from terp.recovery.gathering import Gathered, pack
from terp.recovery.manifest import DamagedError, Manifest
from terp.recovery.sets import LATEST, Sets, age_of, digest
from terp.recovery.store import Directory

PARTS = texts()
RECIPIENTS = (str(KEY.to_public()),)
ONE = Retention(last=1, daily=0, weekly=0, monthly=0)


class Disk:
    """A store, and the files in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = folder / "disk"
        self.place.mkdir(parents=True)
        self.sets = Sets(Directory(self.place, "lab"))
        self._tree = work_tree(folder / "tree")

    def gathered(self, created: datetime = NOW, **parts: str) -> Gathered:
        folder = self.folder / f"gathered-{created:%Y%m%d%H%M%S}"
        folder.mkdir(exist_ok=True)
        found = gathered(folder, {**PARTS, **parts}, created)
        pack(self._tree, found.place(contents.WORK_TREE))
        found.place(contents.SNAPSHOT).write_bytes(b"what etcd has" * 1000)
        return found

    def write(self, created: datetime = NOW) -> Manifest:
        return write(self.sets, "lab", self.gathered(created), RECIPIENTS)

    def object(self, written: Manifest, name: str) -> Path:
        return self.place / "lab" / "objects" / written.objects[name].sha256

    def age_objects(self, age: timedelta) -> None:
        """Let all objects be this old at `NOW`."""
        then = (NOW - age).timestamp()
        for file in (self.place / "lab" / "objects").iterdir():
            os.utime(file, (then, then))


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_what_was_written_is_found_read_and_opened(disk: Disk, tmp_path: Path):
    kept = disk.gathered()
    written = write(disk.sets, "lab", kept, RECIPIENTS)
    assert disk.sets.find(LATEST) == disk.sets.find(written.name[:12]) == written
    for name, sealed in written.objects.items():
        disk.sets.fetch(sealed, tmp_path / f"{name}.age")
        unseal(tmp_path / f"{name}.age", tmp_path / name, [KEY])
        assert (tmp_path / name).read_bytes() == kept.files[name].read_bytes()
    with pytest.raises(ClosedError):
        unseal(tmp_path / "passphrase.age", tmp_path / "again", [OTHER])


def test_an_object_is_called_by_what_it_holds(disk: Disk):
    written = disk.write()
    files = list((disk.place / "lab" / "objects").iterdir())
    assert {file.name: digest(file) for file in files} == {file.name: file.name for file in files}
    assert {file.name for file in files} == {sealed.sha256 for sealed in written.objects.values()}


@pytest.mark.parametrize("name", [part.name for part in parts_of(("cloud", "cluster", "encryption"))])
def test_a_set_without_one_of_its_objects_cannot_be_used(disk: Disk, name: str):
    older, written = disk.write(NOW - timedelta(hours=1)), disk.write()
    disk.object(written, name).unlink()
    assert [each.problem for each in disk.sets.standing()] == ["", f"it lacks {name}"]
    assert disk.sets.find(LATEST) == older
    with pytest.raises(DamagedError, match=f"it lacks {name}"):
        disk.sets.find(written.name)


def spoil(change: Callable[[bytearray], None]) -> Callable[[Path], None]:
    def spoiled(file: Path) -> None:
        content = bytearray(file.read_bytes())
        change(content)
        file.write_bytes(content)

    return spoiled


def cut(content: bytearray) -> None:
    del content[-1:]


def change(content: bytearray) -> None:
    content[len(content) // 2] ^= 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(spoil(cut), "bytes instead of"), (spoil(change), "its content was changed"), (Path.unlink, "missing")],
)
def test_an_object_that_is_not_what_was_written_is_not_taken(
    disk: Disk, tmp_path: Path, wrong: Callable[[Path], None], said: str
):
    written = disk.write()
    wrong(disk.object(written, contents.STATE))
    with pytest.raises(DamagedError, match=said):
        disk.sets.fetch(written.objects[contents.STATE], tmp_path / "state.age")


@pytest.mark.parametrize("wrong", [spoil(cut), spoil(change)])
def test_a_manifest_that_was_changed_makes_no_set(disk: Disk, wrong: Callable[[Path], None]):
    older, written = disk.write(NOW - timedelta(hours=1)), disk.write()
    wrong(disk.place / "lab" / "sets" / f"{written.name}.json")
    assert disk.sets.find(LATEST) == older
    assert "was changed or cut off" in disk.sets.standing()[-1].problem


class InterruptedHere(BaseException):
    pass


class Interrupted(Directory):
    """A store that ends the run at one of its writes."""

    def __init__(self, place: Path, below: str, at: int) -> None:
        super().__init__(place, below)
        self._left = at

    def put(self, name: str, source: Path) -> None:
        if not self._left:
            raise InterruptedHere
        self._left -= 1
        super().put(name, source)


@settings(max_examples=25)
@given(st.integers(0, 15))
def test_an_interrupted_backup_never_counts(tmp_path_factory: pytest.TempPathFactory, at: int):
    disk = Disk(tmp_path_factory.mktemp("interrupted"))
    older = disk.write(NOW - timedelta(hours=1))
    writes = len(older.objects) + 1
    with pytest.raises(InterruptedHere):
        write(Sets(Interrupted(disk.place, "lab", at % writes)), "lab", disk.gathered(), RECIPIENTS)
    assert [each.name for each in disk.sets.standing()] == [older.name]
    assert disk.sets.find(LATEST) == older
    disk.age_objects(timedelta(days=2))
    disk.sets.prune(ONE, NOW)
    left = {file.name for file in (disk.place / "lab" / "objects").iterdir()}
    assert left == {sealed.sha256 for sealed in older.objects.values()}


def test_a_set_whose_keys_do_not_fit_is_not_written(disk: Disk):
    wrong = disk.gathered(**{"ca.key": PARTS["etcd-ca.key"]})
    with pytest.raises(TerpError, match=r"ca\.key signs for ca\.crt: the key belongs to another"):
        write(disk.sets, "lab", wrong, RECIPIENTS)
    assert disk.sets.standing() == ()


def test_a_set_whose_file_is_not_valid_is_not_written(disk: Disk):
    wrong = disk.gathered(**{contents.STACK_FILE: "config: {}\n"})
    with pytest.raises(TerpError, match="the environment's file is valid"):
        write(disk.sets, "lab", wrong, RECIPIENTS)
    assert disk.sets.standing() == ()


def test_a_set_whose_time_is_over_goes_with_its_objects(disk: Disk):
    old, new = disk.write(NOW - timedelta(days=3)), disk.write()
    disk.age_objects(timedelta(days=2))
    assert disk.sets.prune(ONE, NOW) == (old.name,)
    assert [each.name for each in disk.sets.standing()] == [new.name]
    left = {file.name for file in (disk.place / "lab" / "objects").iterdir()}
    assert left == {sealed.sha256 for sealed in new.objects.values()}


def test_young_objects_of_no_set_may_belong_to_one_that_is_being_written(disk: Disk, tmp_path: Path):
    disk.write()
    (tmp_path / "young").write_bytes(b"of a set without a manifest yet")
    young = disk.sets.put(tmp_path / "young")
    then = (NOW - timedelta(hours=1)).timestamp()
    os.utime(disk.place / "lab" / "objects" / young.sha256, (then, then))
    disk.sets.prune(ONE, NOW)
    assert (disk.place / "lab" / "objects" / young.sha256).exists()


def test_a_set_that_cannot_be_used_drives_out_no_other_and_stays_to_be_looked_at(disk: Disk):
    good, bad = disk.write(NOW - timedelta(hours=2)), disk.write(NOW - timedelta(hours=1))
    disk.object(bad, contents.SNAPSHOT).unlink()
    disk.age_objects(timedelta(days=2))
    assert disk.sets.prune(ONE, NOW) == ()
    assert disk.sets.find(LATEST) == good
    assert disk.object(bad, contents.STATE).exists()


@pytest.mark.parametrize("wanted", ["2026", "", "2025"])
def test_a_name_must_mean_one_set(disk: Disk, wanted: str):
    disk.write(NOW - timedelta(days=1))
    disk.write()
    with pytest.raises(TerpError, match="begin") as caught:
        disk.sets.find(wanted)
    assert caught.value.exit_code == 2


def test_without_a_set_there_is_no_newest(disk: Disk):
    assert age_of(disk.sets.standing(), NOW) is None
    with pytest.raises(TerpError, match="there is no recovery set"):
        disk.sets.find(LATEST)


def test_the_age_is_that_of_the_newest_that_can_be_used(disk: Disk):
    disk.write(NOW - timedelta(hours=3))
    disk.object(disk.write(), contents.STATE).unlink()
    assert age_of(disk.sets.standing(), NOW) == timedelta(hours=3)


def test_a_set_is_not_completed_without_its_objects(disk: Disk):
    with pytest.raises(DamagedError, match="cannot be completed"):
        disk.sets.complete(manifest())
