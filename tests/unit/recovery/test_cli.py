"""`terp backup` as people and machines call it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.unit.recovery.samples import KEY, OTHER, run
from tests.unit.recovery.test_sets import Disk

from terp.errors import TerpError
from terp.recovery import contents


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setenv("TERP_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("TERP_RECOVERY_KEY", raising=False)
    return Disk(tmp_path)


def stack_file(disk: Disk, rpo: int) -> str:
    file = disk.folder / "Pulumi.lab.yaml"
    text = Path("tests/fixtures/valid/smallest.yaml").read_text()
    file.write_text(
        f"{text.rstrip()}\n    recovery:\n      to: {disk.place}\n"
        f"      recipients: [{KEY.to_public()}]\n      objectives: {{ rpo: {rpo} }}\n"
    )
    return str(file)


@pytest.mark.parametrize(("rpo", "code"), [(300, 0), (100, 1)])
def test_a_newest_set_that_is_older_than_promised_is_told_by_the_exit_code(disk: Disk, rpo: int, code: int):
    written = disk.write(datetime.now(UTC) - timedelta(minutes=200))
    said = json.loads(run("list", stack_file(disk, rpo), "--json", code=code).stdout)
    assert ([each["name"] for each in said["sets"]], said["overdue"]) == ([written.name], bool(code))
    assert said["age"] == pytest.approx(12_000, abs=60)
    assert "are promised" in run("list", stack_file(disk, rpo), code=code).stdout


def test_no_set_at_all_is_overdue(disk: Disk):
    assert "no recovery set that can be used" in run("list", "lab", "--from", str(disk.place), code=1).stdout


def test_a_set_that_cannot_be_used_says_why(disk: Disk):
    disk.object(disk.write(), contents.STATE).unlink()
    (listed,) = json.loads(run("list", "lab", "--from", str(disk.place), "--json", code=1).stdout)["sets"]
    assert listed["problem"] == "it lacks state.json"


def test_without_a_key_the_bytes_are_compared(disk: Disk):
    written = disk.write()
    said = json.loads(run("verify", "lab", "--from", str(disk.place), "--json").stdout.splitlines()[-1])
    assert (said["name"], said["opened"], said["whole"]) == (written.name, False, True)
    assert len(said["checks"]) == len(written.objects)


def test_a_changed_byte_is_found_without_a_key_and_told_by_the_exit_code(disk: Disk):
    file = disk.object(disk.write(), contents.SNAPSHOT)
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    said = run("verify", "lab", "--from", str(disk.place), code=1).stdout
    assert "its content was changed; without it every object is lost" in " ".join(said.split())


def test_a_key_that_opens_nothing_is_told_of_each_object(disk: Disk, tmp_path: Path):
    written = disk.write()
    (tmp_path / "other").write_text(f"{OTHER}\n")
    command = ("verify", "lab", "--from", str(disk.place), "--key", str(tmp_path / "other"), "--json")
    checks = json.loads(run(*command, code=1).stdout.splitlines()[-1])["checks"]
    assert [each["problem"].startswith("does not open: No matching keys") for each in checks] == [True] * len(
        written.objects
    )


def test_a_new_key_is_told_by_its_public_part_alone(tmp_path: Path):
    public = run("key", str(tmp_path / "key")).stdout.strip()
    assert public.startswith("age1")
    assert public in (tmp_path / "key").read_text()


def test_an_environment_that_does_not_say_where_sets_go_is_refused(tmp_path: Path):
    file = tmp_path / "Pulumi.lab.yaml"
    file.write_text(Path("tests/fixtures/valid/smallest.yaml").read_text())
    for command in ((str(file),), ("create", str(file)), ("list", str(file)), ("verify", str(file))):
        with pytest.raises(TerpError, match="does not say where its recovery sets go") as caught:
            run(*command)
        assert caught.value.exit_code == 2
