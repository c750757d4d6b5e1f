import threading
from pathlib import Path

import pytest

from terp.cloud.hosts.lock import locked
from terp.errors import TerpError


def test_only_one_thread_is_inside(tmp_path: Path) -> None:
    inside = []
    most = []

    def enter() -> None:
        for _ in range(20):
            with locked(tmp_path / "lock"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1] * 80


def test_a_holder_may_remove_the_lock(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    entered = threading.Event()

    def wait() -> None:
        with locked(file):
            entered.set()

    with locked(file):
        thread = threading.Thread(target=wait)
        thread.start()
        file.unlink()
        with locked(file):
            pass
    thread.join(10)
    assert entered.is_set()
    assert file.exists(), "who waited holds a lock of its own"


def test_waiting_has_an_end_that_says_for_what(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "server.lock"),
        pytest.raises(TerpError, match="server"),
        locked(tmp_path / "server.lock", timeout=0.1),
    ):
        pass
