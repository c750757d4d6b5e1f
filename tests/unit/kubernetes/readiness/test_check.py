"""The whole, with hosts that answer as they are told."""

import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.kubernetes.readiness.test_contacts import nodes
from tests.unit.kubernetes.readiness.test_judgement import HEALTHY

from terp import command
from terp.command import CommandError
from terp.kubernetes import readiness
from terp.kubernetes.readiness import Needs, check_hosts

NODES = nodes(("control-plane", "etcd"), ("worker",), ("worker",))


def healthy(name: str) -> str:
    place = next(node.address for node in NODES if node.name == name)
    now = time.time()
    values = {"hostname": name, "server_name": name, "mtus": {str(place): 1500}, "began": now, "ended": now}
    return HEALTHY.model_copy(update=values).model_dump_json()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], str]], None]:
    """Let `ssh` print what a function of the host's name says."""

    def answered(answer: Callable[[str], str]) -> None:
        def run(self: command.Command, name: str, *_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
            return subprocess.CompletedProcess(self.argv, 0, answer(name), "")

        monkeypatch.setattr(command.Command, "run", run)

    return answered


def test_healthy_hosts_are_ready(answers):
    answers(healthy)
    report = check_hosts(NODES, None, "a key", Needs())
    assert (report.findings, report.hosts) == ((), 3)


def test_a_host_that_does_not_answer_hides_no_other_finding(answers):
    def answer(name: str) -> str:
        if name == "node-1":
            raise CommandError(["ssh"], 255, "ssh: connect to host 10.0.0.2 port 22: No route to host")
        return healthy(name).replace('"memory":8000', '"memory":10')

    answers(answer)
    report = check_hosts(NODES, None, "a key", Needs())
    assert {(each.host, each.check) for each in report.errors} == {
        *(("node-0", "memory"), ("node-1", "ssh"), ("node-2", "memory"))
    }


def test_a_host_without_python_is_said(answers):
    def answer(name: str) -> str:
        raise CommandError(["ssh"], 127, "sh: 1: python3: not found")

    answers(answer)
    report = check_hosts(NODES, None, "a key", Needs())
    assert [each.message for each in report.findings] == [
        "the checks cannot run: sh: 1: python3: not found"
    ] * len(NODES)


def test_the_end_comes_in_time_and_says_who_was_not_asked(answers, monkeypatch):
    def answer(name: str) -> str:
        time.sleep(0.4)
        return healthy(name)

    answers(answer)
    monkeypatch.setattr(readiness, "AT_ONCE", 1)
    monkeypatch.setattr(readiness, "BOUND", readiness.TO_JUDGE + 0.3)
    report = check_hosts(NODES, None, "a key", Needs())
    assert [(each.host, each.check) for each in report.findings] == [("node-1", "ssh"), ("node-2", "ssh")]
    assert all(each.message.startswith("it was not asked") for each in report.findings)
