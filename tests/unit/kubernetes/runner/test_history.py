from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.kubernetes.runner.nodes import run_of

from terp.kubernetes.runner import History, RunRecord
from terp.kubernetes.runner.history import STEPS, Estimate, course


def record(seconds: float = 100.0, **more: object) -> RunRecord:
    known = {
        "playbook": "cluster.yml",
        "installer_version": "v2.31.0",
        "reason": "a test",
        "started": "2026-11-23T08:00:00+00:00",
        "seconds": seconds,
        "result": "ok",
        "number_of_hosts": 2,
        "tasks": 40,
    }
    return RunRecord.model_validate({**known, **more})


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def test_what_was_added_is_there_in_order(history: History):
    records = [record(1), record(2)]
    for each in records:
        history.add(each)
    assert history.records() == records
    assert History(history.file.parent).records() == records


def test_a_torn_line_costs_itself_alone(history: History):
    history.add(record(1))
    with history.file.open("a") as out:
        out.write('{"playbook": "clus')
    history.add(record(2))
    assert [each.seconds for each in history.records()] == [1, 2]


def test_nobody_knows_a_run_that_was_never_seen(history: History):
    assert history.estimate(run_of("scale.yml"), "embedded") is None


def test_kubespray_has_estimates_before_its_first_run(history: History):
    assert history.estimate(run_of(), "kubespray") == Estimate(644.0, 1223, 0)


def test_an_estimate_is_the_median_of_earlier_runs_that_ended_well(history: History):
    for seconds in (90, 100, 900):
        history.add(record(seconds))
    history.add(record(5, result="failed"))
    history.add(record(7, playbook="scale.yml"))
    history.add(record(8, limit=("worker-1",)))
    assert history.estimate(run_of(), "kubespray") == Estimate(100, 40, 3)


def test_only_the_newest_runs_count(history: History):
    for seconds in (*[1000] * 6, *[10] * 6):
        history.add(record(seconds))
    estimate = history.estimate(run_of(), "embedded")
    assert estimate
    assert (estimate.seconds, estimate.runs) == (10, 6)


def test_more_hosts_take_longer_but_not_as_many_times_longer(history: History):
    history.add(record(100, number_of_hosts=2))
    eight = tuple(run_of().nodes[1].model_copy(update={"name": f"worker-{n}"}) for n in range(8))
    estimate = history.estimate(run_of(nodes=eight), "embedded")
    assert estimate
    assert estimate.seconds == 200


def test_the_course_of_earlier_runs_tells_how_much_is_left():
    slow_end = (*(step / STEPS / 2 for step in range(STEPS)), 1.0)
    estimate = Estimate(100, 40, 1, slow_end)
    assert estimate.over(21) == pytest.approx(25)
    assert estimate.left(21, 25, 0) == pytest.approx(75)
    assert estimate.left(21, 50, 0) == pytest.approx(150), "it takes twice as long as before"
    assert estimate.left(21, 26, 1) == pytest.approx(74)


def test_a_long_task_does_not_use_up_what_the_others_need():
    estimate = Estimate(100, 10, 1)
    assert estimate.left(6, 90, 40) == pytest.approx(40)


def test_a_run_with_more_tasks_than_before_says_how_much_longer_it_takes():
    assert Estimate(100, 10, 1).left(11, 130, 1) == -30


@given(
    st.lists(st.floats(0, 1000), min_size=1, max_size=100).map(sorted),
    st.floats(0, 100),
)
def test_a_course_goes_from_the_first_task_to_the_end(starts: list[float], rest: float):
    seconds = starts[-1] + rest
    found = course(starts, seconds)
    if seconds > 0:
        assert len(found) == STEPS + 1
        assert list(found) == sorted(found)
        assert found[-1] == 1.0
    else:
        assert found == ()


@given(st.integers(1, 200), st.floats(0, 2000), st.floats(0, 1), st.integers(1, 100))
def test_what_is_left_is_never_negative_before_the_last_task(number, seconds, share, tasks):
    left = Estimate(100, tasks, 1).left(number, seconds, seconds * share)
    assert left >= 0 or number > tasks
