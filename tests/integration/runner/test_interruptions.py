"""Runs that are stopped, killed, or come in each other's way."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from terp.errors import TerpError
from terp.kubernetes.runner import History
from terp.kubernetes.runner.processes import processes
from terp.paths import PROJECT
from tests.integration.runner.conftest import Cluster

KILLED = """
import json, sys
from pathlib import Path
from terp.kubernetes.runner import Installation
from tests.integration.runner.conftest import PLAYBOOKS, Cluster
folder, bin, settings = sys.argv[1:]
cluster = Cluster(Path(folder), Installation("test", "1", PLAYBOOKS, Path(bin), json.loads(settings)))
cluster.secrets = {"token": "canary-of-a-killed-run"}
cluster.run("wait.yml")
"""


def waiting(folder: Path, within: float = 20) -> list[int]:
    """The processes of a run that waits; Mitogen takes both hosts for one, which is this machine."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        running = processes(folder)
        if any(program(pid) == "sleep" for pid in running):
            return running
        time.sleep(0.05)
    raise AssertionError("the playbook did not come to its waiting")


def program(pid: int) -> str:
    """What a process runs; nothing when it has ended, which may be while it is read, or is not buried yet."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_cancelling_ends_every_process_of_the_run(cluster: Cluster):
    seen: list[int] = []

    def stop() -> None:
        try:
            seen.extend(waiting(cluster.folder))
        finally:
            cluster.stop.set()

    stopper = threading.Thread(target=stop)
    stopper.start()
    began = time.monotonic()
    record = cluster.run("wait.yml")
    stopper.join()
    assert time.monotonic() - began < 40
    assert record.result == "cancelled"
    assert record.failure
    assert record.failure.message == "stopped from outside"
    assert len(seen) >= 5  # ansible-playbook, its workers, what runs modules
    assert processes(cluster.folder) == []
    assert not any(program(pid) == "sleep" for pid in seen)
    assert not (cluster.folder / "private").exists()
    assert History(cluster.folder).records() == [record]


def test_after_a_kill_the_next_run_ends_what_is_left_and_goes_on(cluster: Cluster):
    env = {**os.environ, "PYTHONPATH": f"{PROJECT / 'platform'}:{PROJECT}"}
    ready = cluster.installation
    given = (str(cluster.folder), str(ready.bin), json.dumps(ready.settings))
    argv = [sys.executable, "-c", KILLED, *given]
    controller = subprocess.Popen(argv, env=env)
    try:
        left = waiting(cluster.folder)
        with pytest.raises(
            TerpError, match=rf"another run: wait.yml by \S+, process {controller.pid}, since"
        ):
            cluster.run("facts.yml")
    finally:
        controller.send_signal(signal.SIGKILL)
        controller.wait(10)
    assert (cluster.folder / "private" / "secrets.yaml").exists()  # nobody was there to remove it
    record = cluster.run("facts.yml")
    assert record.result == "ok"
    assert f"process {controller.pid}" in cluster.told[0].note
    assert not any(program(pid) == "sleep" for pid in left)
    assert processes(cluster.folder) == []
    assert not (cluster.folder / "private").exists()


def test_an_error_of_the_listener_ends_the_run(cluster: Cluster):
    class Deaf(list):
        def append(self, moment) -> None:
            if moment.task == "Sleep":
                raise RuntimeError("deaf")

    cluster.told = Deaf()
    with pytest.raises(RuntimeError, match="deaf"):
        cluster.run("wait.yml")
    assert processes(cluster.folder) == []
    assert not (cluster.folder / "private").exists()
    assert cluster.folder.joinpath("lock").read_text() == ""
