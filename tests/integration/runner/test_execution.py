"""Runs as the life of a cluster asks for them."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from terp.beside import pause
from terp.errors import TerpError
from terp.kubernetes.execution import Execution
from terp.kubernetes.life import Wanted
from terp.kubernetes.runner import Installation
from tests.integration.runner.conftest import HERE, KEY, Cluster, node, run_of

NODES = (node("cp-1", 1), node("worker-1", 2))


@dataclass
class Heard:
    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    passing: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.said.append(line)

    def warn(self, line: str) -> None:
        self.warned.append(line)

    def progress(self, line: str) -> None:
        self.passing.append(line)


def wanted(**run_variables: object) -> Wanted:
    return Wanted.model_validate(
        {
            "name": "demo",
            "nodes": NODES,
            "installer": "embedded",
            "installer_version": "1",
            "kubernetes_version": "1.36.3",
            "variables": HERE,
            "run_variables": run_variables,
            "private_key": KEY,
            "endpoint": "https://127.84.0.1:6443",
        }
    )


def test_a_playbook_is_run_said_and_recorded(installation: Installation, tmp_path: Path):
    execution = Execution({"embedded": lambda *_: installation}, lambda name: tmp_path / name)
    run, heard = run_of("cluster.yml", NODES), Heard()
    assert execution.estimate(run, wanted()) == ""
    ended = execution.execute(run, wanted(), heard, threading.Event())
    assert ended.failure == ""
    assert (ended.record["result"], ended.record["reason"]) == ("ok", "a test")
    assert heard.said[-1].startswith("cluster.yml ok after")
    assert any("Pause a little" in line for line in heard.passing)
    assert execution.estimate(run, wanted()).startswith("about ")


def test_a_failure_says_where_and_what_helps(installation: Installation, tmp_path: Path):
    execution = Execution({"embedded": lambda *_: installation}, lambda name: tmp_path / name)
    heard = Heard()
    ended = execution.execute(run_of("cluster.yml", NODES), wanted(broken=True), heard, threading.Event())
    assert ended.failure.startswith("cp-1: etcd : Ask etcd: ")
    assert "main.yml:9" in ended.failure
    assert "2379" in ended.remedy
    assert "failed: cp-1: etcd : Ask etcd: members are unhealthy" in heard.warned


def test_runs_do_not_mind_the_threads_of_grpc(installation: Installation, tmp_path: Path):
    """A process with them does not survive a fork of Python's own; the provider of clusters has them."""
    server = grpc.server(ThreadPoolExecutor(8))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, ThreadPoolExecutor(3) as threads:
        grpc.channel_ready_future(channel).result(20)
        clusters = [Cluster(tmp_path / f"cluster-{number}", installation) for number in range(3)]
        records = list(threads.map(lambda cluster: cluster.run("facts.yml"), clusters))
    server.stop(None)
    assert [record.result for record in records] == ["ok", "ok", "ok"], records


def test_an_errand_on_nodes_that_do_not_answer_fails(tmp_path: Path):
    execution = Execution({}, lambda name: tmp_path / name)
    run = run_of("", NODES).model_copy(
        update={"kind": "labels", "variables": {"worker-1": {"labels": {"a": "b"}}}}
    )
    ended = execution.execute(run, wanted(), Heard(), threading.Event())
    assert "does not answer SSH" in ended.failure
    assert ended.record["result"] == "failed"


def test_an_installer_that_is_still_built_is_not_waited_for_when_all_shall_end(tmp_path: Path):
    def built(*_: object) -> Installation:
        pause(60)
        raise AssertionError("it was waited for")

    execution, stop = Execution({"embedded": built}, lambda name: tmp_path / name), threading.Event()
    threading.Timer(0.5, stop.set).start()
    start = time.monotonic()
    with pytest.raises(TerpError, match=r"stopped before cluster\.yml"):
        execution.execute(run_of("cluster.yml", NODES), wanted(), Heard(), stop)
    assert time.monotonic() - start < 30
