"""The supervisor, with small real processes in the place of the services."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from terp.cloud.process import ProcessRecord, stop, wait_for
from terp.cloud.state import State
from terp.cloud.supervisor import Service, Supervisor, deaths

LISTENER = """
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen()
time.sleep(60)
"""


@pytest.fixture
def state(tmp_path: Path):
    for name in ("run", "logs", "done"):
        (tmp_path / name).mkdir()
    state = State(tmp_path)
    yield state
    stop([state.process(file.stem) for file in (tmp_path / "run").glob("*.json")], 1)


def free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return int(attempt.getsockname()[1])


def listener(name: str, **more: object) -> Service:
    port = free_port()
    argv = (sys.executable, "-c", LISTENER, str(port))
    return Service(name=name, argv=argv, env=dict(os.environ), port=port, **more)


def running(state: State, name: str) -> ProcessRecord | None:
    return state.process(name).record()


def look_until(supervisor: Supervisor, what: str, test) -> None:
    def looked() -> bool:
        supervisor.look()
        return bool(test())

    wait_for(what, looked, 20, 0.1)


def test_a_service_waits_for_those_before_it(state: State) -> None:
    first = listener("first")
    supervisor = Supervisor(state, (listener("second", after=("first",)), first))
    supervisor.look()
    assert running(state, "first")
    assert not running(state, "second")
    look_until(supervisor, "the second", lambda: running(state, "second"))
    assert first.answers()


def test_a_service_waits_for_the_steps_that_it_needs(state: State) -> None:
    supervisor = Supervisor(state, (listener("one", needs=("identity",)),))
    supervisor.look()
    assert not running(state, "one")
    state.mark_done("identity")
    supervisor.look()
    assert running(state, "one")


def test_a_dead_service_is_started_again(state: State) -> None:
    supervisor = Supervisor(state, (listener("one"),))
    supervisor.look()
    before = running(state, "one")
    assert before
    os.kill(before.pid, signal.SIGKILL)
    look_until(supervisor, "it to be back", lambda: running(state, "one") not in (None, before))
    assert deaths(state, "one") == 1


def test_a_service_that_keeps_dying_is_given_pauses(state: State) -> None:
    supervisor = Supervisor(state, (Service(name="one", argv=("false",), env=dict(os.environ)),))
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        supervisor.look()
        time.sleep(0.02)
    assert 2 <= deaths(state, "one") <= 3, "pauses of 0, 2, 4 ... seconds"


def test_a_new_supervisor_adopts_what_runs(state: State) -> None:
    table = (listener("one"),)
    Supervisor(state, table).look()
    before = running(state, "one")
    Supervisor(state, table).look()
    assert running(state, "one") == before


def test_a_changed_configuration_starts_the_service_anew(state: State, tmp_path: Path) -> None:
    file = tmp_path / "service.conf"
    file.write_text("a = 1")
    supervisor = Supervisor(state, (listener("one", configuration=(file,)),))
    supervisor.look()
    before = running(state, "one")
    file.write_text("a = 2")
    look_until(supervisor, "the new one", lambda: running(state, "one") not in (None, before))
