import threading
from pathlib import Path

import pytest

from terp.cloud.cached import discard, make_once


def test_a_tree_is_made_once_also_by_several_at_a_time(tmp_path: Path) -> None:
    calls = []

    def make(new: Path) -> None:
        calls.append(new)
        (new / "file").write_text("whole")

    threads = [threading.Thread(target=make_once, args=(tmp_path / "a/tree", make)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(calls) == 1
    assert (tmp_path / "a/tree/file").read_text() == "whole"


def test_a_failed_or_interrupted_build_never_counts(tmp_path: Path) -> None:
    def fail(new: Path) -> None:
        (new / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_once(tmp_path / "tree", fail)
    assert not (tmp_path / "tree").exists()
    killed = tmp_path / "tree.building"
    killed.mkdir()
    (killed / "left").touch()

    def make(new: Path) -> None:
        assert list(new.iterdir()) == []

    make_once(tmp_path / "tree", make)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["tree"]


def test_discarding_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    discard(tmp_path / "nothing")
