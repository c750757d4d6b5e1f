"""Runs to their end, good and bad."""

import json
from pathlib import Path

from terp.kubernetes.runner import History
from tests.integration.runner.conftest import Cluster


def test_a_run_is_told_and_recorded_and_the_next_one_knows_how_long_it_takes(
    cluster: Cluster, tmp_path: Path
):
    record = cluster.run("cluster.yml", attempts_file=str(tmp_path / "attempts"))
    assert record.result == "ok", record
    assert record.failure is None
    assert record.tasks == 6
    assert record.retries == 1
    assert (record.hosts["cp-1"].ok, record.hosts["worker-1"].ok) == (5, 4)
    assert record.changed == 2
    assert record.hosts["cp-1"].skipped == 1
    assert record.slowest_tasks[0].seconds >= 0.4
    assert record.slowest_roles[0].name == "etcd"
    assert "1.36.3" in record.log.read_text()
    last = cluster.told[-1]
    assert (last.play, last.number, last.about, last.left) == ("All", 6, 0, None)
    assert any(moment.role == "etcd" and moment.title == "etcd : Ask etcd" for moment in cluster.told)
    lines = record.log.with_name("events.jsonl").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [moment.number for moment in cluster.told]
    assert History(cluster.folder).records() == [record]

    assert cluster.run("cluster.yml").result == "ok"
    middle = next(moment for moment in cluster.told if moment.number == 3)
    assert (middle.about, middle.earlier) == (6, 1)
    assert middle.left is not None
    assert 0 < middle.left < record.seconds
    assert "task 3 of about 6" in middle.sentence
    assert "left (from 1 earlier run)" in middle.sentence


def test_a_failing_task_is_told_with_its_place_and_what_helps(cluster: Cluster):
    record = cluster.run("cluster.yml", broken=True)
    assert record.result == "failed"
    failure = record.failure
    assert failure
    assert (failure.host, failure.task) == ("cp-1", "etcd : Ask etcd")
    assert "members are unhealthy" in failure.message
    assert failure.file.endswith("roles/etcd/tasks/main.yml:9")
    assert "2379" in failure.remedy
    assert record.hosts["cp-1"].failed == 1
    assert any("failed: cp-1" in moment.note for moment in cluster.told)


def test_a_host_that_does_not_answer_is_named(cluster: Cluster):
    cluster.variables = {}
    cluster.port = 1
    record = cluster.run("cluster.yml")
    assert record.result == "failed"
    assert record.failure
    assert record.failure.host in ("cp-1", "worker-1")
    assert "does not answer SSH" in record.failure.remedy
    assert sum(host.unreachable for host in record.hosts.values()) == 2


def test_what_belongs_to_no_host_is_told_too(cluster: Cluster):
    record = cluster.run("cluster.yml", limit=("nobody",))
    assert record.result == "failed"
    assert record.failure
    assert "nobody" in record.failure.message


def test_a_run_that_takes_too_long_is_ended(cluster: Cluster):
    record = cluster.run("wait.yml", seconds=2)
    assert record.result == "failed"
    assert record.seconds < 40
    assert record.failure
    assert "2 s are over" in record.failure.message
