"""The state directory of a cloud."""

import threading
import time
from pathlib import Path

import pytest

from terp.cloud import state
from terp.cloud.state import State
from terp.errors import TerpError


def test_a_command_waits_for_the_one_before(tmp_path: Path) -> None:
    cloud, order = State(tmp_path / "cloud"), list[str]()
    begun = threading.Event()

    def first() -> None:
        with cloud.lock():
            begun.set()
            time.sleep(0.5)
            order.append("first")

    other = threading.Thread(target=first)
    other.start()
    assert begun.wait(5)
    with cloud.lock():
        order.append("second")
    other.join(5)
    assert order == ["first", "second"]


def test_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "PATIENCE", 0.3)
    cloud = State(tmp_path / "cloud")
    with cloud.lock(), pytest.raises(TerpError, match="another command has been at work"), cloud.lock():
        raise AssertionError("both had it")
