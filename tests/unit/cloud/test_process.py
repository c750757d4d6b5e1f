"""Long-running processes and their records, with real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from terp.cloud.process import MARK, NotInTimeError, Process, kill_marked, marked, start_time, stop, wait_for

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


def process(tmp_path: Path, name: str = "one") -> Process:
    return Process(tmp_path / f"{name}.json", tmp_path / f"{name}.log")


def reap(pid: int) -> None:
    """A killed child of the test stays a zombie until somebody asks for it."""
    wait_for("the child to end", lambda: os.waitpid(pid, os.WNOHANG)[0], 10)


def test_a_started_process_is_found_by_its_record(tmp_path: Path) -> None:
    pid = process(tmp_path).start(SLEEP, os.environ, tmp_path, "abc")
    record = process(tmp_path).record()
    assert record
    assert (record.pid, record.fingerprint) == (pid, "abc")
    stop([process(tmp_path)])
    assert process(tmp_path).record() is None
    reap(pid)


def test_a_dead_process_has_no_record(tmp_path: Path) -> None:
    pid = process(tmp_path).start(SLEEP, os.environ, tmp_path)
    os.kill(pid, signal.SIGKILL)
    reap(pid)
    assert process(tmp_path).record() is None


def test_another_process_with_the_same_pid_is_not_taken_for_it(tmp_path: Path) -> None:
    one = process(tmp_path)
    pid = one.start(SLEEP, os.environ, tmp_path)
    record = one.record()
    assert record
    one.record_file.write_text(record.model_copy(update={"start": record.start - 1}).model_dump_json())
    assert one.record() is None
    one.record_file.write_text(record.model_copy(update={"boot": "before"}).model_dump_json())
    assert one.record() is None, "a pid means nothing after a reboot"
    os.kill(pid, signal.SIGKILL)
    reap(pid)


def test_a_torn_record_is_no_record(tmp_path: Path) -> None:
    one = process(tmp_path)
    one.record_file.write_text('{"pid": 1')
    assert one.record() is None


def test_what_does_not_listen_is_killed(tmp_path: Path) -> None:
    one = process(tmp_path)
    pid = one.start(STUBBORN, os.environ, tmp_path)
    wait_for("its first word", lambda: "deaf" in one.log_end(), 10)
    began = time.monotonic()
    stop([one], timeout=0.5)
    reap(pid)
    assert start_time(pid) is None
    assert time.monotonic() - began < 10


def test_processes_are_found_by_their_mark_without_a_record(tmp_path: Path) -> None:
    tag = f"test-{os.getpid()}"
    child = subprocess.Popen(SLEEP, env={**os.environ, MARK: tag})
    wait_for("the mark to show", lambda: marked(tag, tmp_path) == [child.pid], 10)
    kill_marked(tag, tmp_path)
    assert marked(tag, tmp_path) == []
    child.wait(10)


def test_processes_without_their_mark_are_found_by_their_log_even_when_it_is_gone(tmp_path: Path) -> None:
    one = process(tmp_path)
    pid = one.start(SLEEP, {}, tmp_path)
    one.log_file.unlink()
    assert marked("none", tmp_path) == [pid]
    kill_marked("none", tmp_path)
    reap(pid)


def test_a_wait_ends_with_what_was_waited_for() -> None:
    with pytest.raises(NotInTimeError, match="the moon: not within 0 s"):
        wait_for("the moon", lambda: False, 0.05, 0.01)
