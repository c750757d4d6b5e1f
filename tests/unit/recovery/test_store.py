import os
from pathlib import Path

import pytest

from terp.errors import TerpError
from terp.recovery.store import Directory


@pytest.fixture
def store(tmp_path: Path) -> Directory:
    (tmp_path / "disk").mkdir()
    return Directory(tmp_path / "disk", "lab")


def test_what_was_put_is_got(store: Directory, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"content")
    store.put("objects/one", tmp_path / "file")
    store.get("objects/one", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"content"
    assert {name: entry.size for name, entry in store.entries("objects").items()} == {"one": 7}
    store.remove("objects/one")
    store.remove("objects/one")
    assert store.entries("objects") == {}


def test_a_copy_that_breaks_off_leaves_nothing(
    store: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_bytes(b"content")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.put("objects/one", tmp_path / "file")
    assert list((tmp_path / "disk").rglob("*one*")) == list((tmp_path / "disk").rglob("*.new")) == []


def test_what_a_killed_run_left_is_no_file(store: Directory, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"content")
    store.put("objects/one", tmp_path / "file")
    (tmp_path / "disk" / "lab" / "objects" / ".0a1b.new").write_bytes(b"cont")
    assert list(store.entries("objects")) == ["one"]


def test_a_disk_that_is_not_mounted_is_not_written_to(tmp_path: Path):
    with pytest.raises(TerpError, match="there is no directory") as caught:
        Directory(tmp_path / "disk", "lab")
    assert (caught.value.exit_code, (tmp_path / "disk").exists()) == (2, False)
