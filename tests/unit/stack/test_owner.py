"""Who owns a stack, and what is known when that run is dead."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from terp.paths import PROJECT
from terp.stack import owner

STACK = "smoke-3fa94c-until-20261128t1203z"
WAITS = f"""
import time
from terp.stack import owner
with owner.owned({STACK!r}):
    print("owned", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERP_STATE", str(tmp_path))


def test_a_stack_is_held_while_its_run_is_alive_and_abandoned_when_it_was_killed() -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", WAITS],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "platform")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert run.stdout
        assert run.stdout.readline() == "owned\n"
        assert (owner.is_held(STACK), owner.is_abandoned(STACK)) == (True, False)
    finally:
        run.send_signal(signal.SIGKILL)
        run.communicate(timeout=10)
    assert (owner.is_held(STACK), owner.is_abandoned(STACK)) == (False, True)
    assert owner.stacks() == (STACK,)
    owner.forget(STACK)
    assert owner.stacks() == ()


def test_what_is_kept_is_neither_held_nor_abandoned() -> None:
    with owner.owned(STACK):
        owner.keep(STACK)
    assert (owner.is_held(STACK), owner.is_abandoned(STACK)) == (False, False)
    assert owner.stacks() == (STACK,)


def test_nobody_owns_what_is_not_there() -> None:
    assert (owner.is_held(STACK), owner.is_abandoned(STACK), owner.stacks()) == (False, False, ())
