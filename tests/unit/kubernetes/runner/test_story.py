import json
from pathlib import Path

import pytest
from tests.unit.kubernetes.runner.nodes import run_of

from terp.kubernetes.runner.history import Estimate
from terp.kubernetes.runner.story import SHOWN, Story, message_of
from terp.masking import Mask

LOG = Path("/log")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Telling:
    """A story, and the events that Ansible would send."""

    def __init__(self, estimate: Estimate | None = None, secrets: tuple[str, ...] = ()) -> None:
        self.clock = Clock()
        self.story = Story(run_of(), estimate, Mask(secrets), self.clock)
        self._id = ""

    def play(self, name: str):
        return self.story.hear({"event": "playbook_on_play_start", "event_data": {"name": name}})

    def task(self, name: str, role: str = "", seconds: float = 0.0, hosts: tuple[str, ...] = ()):
        self.clock.now += seconds
        self._id = f"{role}{name}{self.clock.now}"
        data = {"task": name, "role": role, "task_uuid": self._id, "task_path": "/tree/main.yml:7"}
        said = self.story.hear({"event": "playbook_on_task_start", "event_data": data})
        for host in hosts:
            self.story.hear({"event": "runner_on_start", "event_data": {"host": host}})
        return said

    def host(self, how: str, host: str, task: str = "t", role: str = "", ignore: bool = False, **res):
        data = {"host": host, "task": task, "role": role, "task_uuid": self._id, "res": res}
        data |= {"task_path": "/tree/main.yml:7", "ignore_errors": ignore}
        return self.story.hear({"event": f"runner_on_{how}", "event_data": data})

    def stats(self, failures=(), dark=()):
        data = {"failures": dict.fromkeys(failures, 1), "dark": dict.fromkeys(dark, 1)}
        self.story.hear({"event": "playbook_on_stats", "event_data": data})

    def record(self, result="ok", why=""):
        return self.story.record(result, "2026-11-23T08:00:00+00:00", LOG, why)


def test_a_moment_says_where_the_run_is():
    told = Telling(Estimate(100, 10, 3))
    told.play("Prepare")
    told.task("first", "etcd")
    moment = told.task("second", "etcd", 20, ("cp-1", "worker-1"))
    assert (moment.play, moment.title, moment.number, moment.about) == ("Prepare", "etcd : second", 2, 10)
    told.host("ok", "cp-1")
    told.clock.now = 95
    moment = told.story.moment()
    assert (moment.left, moment.fraction) == (160, pytest.approx(0.3725, abs=0.001))
    assert (moment.done, moment.hosts, moment.seconds, moment.task_seconds) == (1, 2, 95, 75)
    assert moment.sentence == (
        "cluster.yml  37%  task 2 of about 10  etcd : second  1 of 2 hosts  95 s, about 2 m 40 s left "
        "(from 3 earlier runs)  slow: 75 s in this task  slowest: etcd : first, 20 s"
    )
    assert json.loads(moment.line())["task"] == "second"


def test_without_earlier_runs_nothing_is_promised():
    moment = Telling().task("first")
    assert (moment.about, moment.left, moment.fraction) == (0, None, None)
    assert moment.sentence == "cluster.yml  task 1  first  0 s"


def test_a_run_that_takes_longer_says_so():
    told = Telling(Estimate(10, 1, 1))
    told.task("first")
    moment = told.task("second", seconds=30)
    assert moment.left == -20
    assert "20 s longer than usual (from 1 earlier run)" in moment.sentence
    assert moment.fraction == 0.99


def test_a_record_has_the_slowest_tasks_and_roles_of_all_their_times():
    told = Telling()
    told.task("download", "images")
    told.task("start", "etcd", 5)
    told.task("download", "images", 2)
    told.clock.now += 4
    record = told.record()
    assert [(each.name, each.seconds) for each in record.slowest_tasks] == [
        ("images : download", 9.0),
        ("etcd : start", 2.0),
    ]
    assert [(each.name, each.seconds) for each in record.slowest_roles] == [("images", 9.0), ("etcd", 2.0)]
    assert (record.seconds, record.tasks, record.reason, record.log) == (11, 3, "a test", LOG)
    assert record.course[-1] == 1.0


def test_hosts_are_counted_as_ansible_counts_them():
    told = Telling()
    told.task("t", hosts=("a", "b"))
    told.host("ok", "a", changed=True)
    told.host("ok", "a")
    told.host("skipped", "a")
    told.host("failed", "a", ignore=True, msg="never mind")
    told.host("failed", "b", msg="no")
    told.host("unreachable", "c", msg="gone")
    record = told.record("failed")
    a, b, c = (record.hosts[name] for name in "abc")
    assert (a.ok, a.changed, a.skipped, a.ignored, a.failed) == (3, 1, 1, 1, 0)
    assert (b.failed, c.unreachable, record.changed) == (1, 1, 1)


def test_the_first_failure_is_told_with_its_place_and_its_remedy():
    told = Telling()
    told.task("Check health", "etcd")
    moment = told.host("failed", "b", "Check health", "etcd", msg="unhealthy cluster")
    assert moment.note == "failed: b: etcd : Check health: unhealthy cluster"
    told.host("failed", "a", "Later", msg="no")
    told.stats(failures=("a", "b"))
    failure = told.record("failed").failure
    assert (failure.host, failure.task, failure.file) == ("b", "etcd : Check health", "/tree/main.yml:7")
    assert "2379" in failure.remedy


def test_a_failed_command_is_told_by_the_last_line_that_it_printed():
    moment = Telling().host("failed", "a", msg="non-zero return code", stderr="warning: x\nerror: no space")
    assert moment.note == "failed: a: t: error: no space"


def test_a_failure_that_was_rescued_is_not_the_one():
    told = Telling()
    told.host("failed", "a", "Try", msg="rescued")
    told.host("failed", "b", "Other", msg="rescued, too")
    told.host("failed", "a", "Then", msg="fatal")
    told.stats(failures=("a",))
    assert told.record("failed").failure.message == "fatal"


def test_a_run_that_ended_well_has_no_failure():
    told = Telling()
    told.host("failed", "a", "Try", msg="rescued")
    told.stats()
    assert told.record().failure is None


def test_a_failure_of_no_host_repeats_what_was_said():
    told = Telling()
    told.story.hear({"event": "verbose", "stdout": "reading"})
    told.story.hear({"event": "error", "stdout": "ERROR! no such playbook"})
    assert told.record("failed").failure.message == "ERROR! no such playbook"


def test_a_run_that_was_stopped_says_where():
    told = Telling()
    told.task("Wait", "etcd")
    failure = told.record("cancelled", "stopped from outside").failure
    assert (failure.task, failure.message) == ("etcd : Wait", "stopped from outside")


def test_retries_are_counted():
    told = Telling()
    told.task("Wait")
    moment = told.story.hear({"event": "runner_retry", "event_data": {"host": "a"}})
    assert moment.retries == 1
    assert "retries: 1" in moment.sentence


def test_no_secret_is_told():
    told = Telling(secrets=("hunter22",))
    told.play("Play of hunter22")
    assert "hunter22" not in told.task("Log in with hunter22", "hunter22").line()
    told.host("failed", "a", "Log in with hunter22", msg="x" * SHOWN + "hunter22")
    told.story.hear({"event": "error", "stdout": "hunter22"})
    told.stats(failures=("a",))
    assert "hunter22" not in told.record("failed").model_dump_json()
    assert "hunter22" not in told.story.moment().line()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"msg": "non-zero return code", "stderr": "why", "stdout": "much"}, "non-zero return code\nwhy"),
        ({"msg": "non-zero return code", "stdout": "much"}, "non-zero return code\nmuch"),
        ({"results": [{"item": 1}, {"item": 2, "failed": True, "msg": "no"}]}, "2: no"),
        ({"censored": "hidden"}, "hidden"),
        ({}, "failed without a message"),
    ],
)
def test_the_message_of_a_result(result, message: str):
    assert message_of(result) == message


def test_memory_does_not_grow_with_what_hosts_do():
    told = Telling()
    for number in range(300):
        told.task(f"task {number % 10}", "role", 1.0)
        for host in range(20):
            told.host("ok", f"h{host}", changed=True, stdout="x" * 1000)
    assert len(told.record().model_dump_json()) < 10_000
