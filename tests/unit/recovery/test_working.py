import stat
from pathlib import Path

import pytest

from terp.errors import TerpError
from terp.recovery.working import working_folder


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TERP_STATE", str(tmp_path))
    return tmp_path


def test_its_owner_alone_enters_and_nothing_is_left():
    with working_folder("lab") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "secret").write_text("secret")
    assert not folder.exists()


def test_what_a_killed_run_left_is_gone(state: Path):
    left = state / "recovery" / "lab" / "open" / "secret"
    left.parent.mkdir(parents=True)
    left.write_text("secret")
    with working_folder("lab") as folder:
        assert list(folder.iterdir()) == []


def test_two_runs_do_not_meet():
    with (
        working_folder("lab"),
        pytest.raises(TerpError, match="is being written or read"),
        working_folder("lab"),
    ):
        pass
