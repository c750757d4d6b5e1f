"""Work beside other work ends with it."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from terp.beside import beside, ended_by, pause, workers
from terp.command import Command
from terp.errors import TerpError

SOON = 20.0
"""Seconds in which work that would take a minute ends, on a busy machine too."""


def fails_beside(work: Callable[[], object]) -> float:
    """Seconds that it takes for an error to come through while `work` goes on in the background."""
    begun = threading.Event()

    def announced() -> None:
        begun.set()
        work()

    start = time.monotonic()
    with pytest.raises(TerpError, match="no cloud"), beside(announced):
        assert begun.wait(10)
        raise TerpError("no cloud")
    return time.monotonic() - start


def test_the_block_ends_when_both_have_ended():
    def work_a_while() -> str:
        time.sleep(0.2)
        return "done"

    with beside(work_a_while) as work:
        assert not work.done()
    assert work.result() == "done"


def test_an_error_of_the_work_is_raised_when_the_block_has_ended():
    done = False
    with pytest.raises(TerpError, match="no tools"), beside(lambda: refuse("no tools")):
        done = True
    assert done


def refuse(why: str) -> None:
    raise TerpError(why)


def test_work_that_pauses_is_ended():
    assert fails_beside(lambda: pause(60)) < SOON


def test_a_program_is_ended(tmp_path: Path):
    file = tmp_path / "pid"

    def work() -> None:
        Command(("sh", "-c", f"echo $$ > {file}; exec sleep 60")).run()

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), beside(work):
        while not (file.exists() and file.read_text().endswith("\n")):
            time.sleep(0.02)
        raise KeyboardInterrupt
    assert time.monotonic() - start < SOON
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)


def test_nothing_more_is_begun(tmp_path: Path):
    file = tmp_path / "begun"

    def work() -> None:
        with pytest.raises(InterruptedError):
            pause(60)
        Command(("touch", str(file))).run()

    assert fails_beside(work) < SOON
    assert not file.exists()


def test_work_that_has_threads_and_work_beside_itself_ends_whole():
    ended = []

    def wait(name: str) -> None:
        over = threading.Event()
        with ended_by(over.set):
            assert over.wait(60)
        ended.append(name)

    def work() -> None:
        with beside(lambda: wait("inner")), workers(2) as threads:
            list(threads.map(wait, ("first", "second")))

    begun = time.monotonic()
    with pytest.raises(TerpError), beside(work):
        time.sleep(0.3)
        raise TerpError("no cloud")
    assert time.monotonic() - begun < SOON
    assert sorted(ended) == ["first", "inner", "second"]


def test_work_beside_no_other_is_ended_by_nobody():
    with ended_by(lambda: refuse("why")):
        pause(0.01)
