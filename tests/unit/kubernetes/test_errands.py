import subprocess

import pytest
from tests.unit.kubernetes.runner.nodes import FIRST, WORKER, node, run_of

from terp.kubernetes.errands import CHANGES, START, candidates, labelling


def commands(changes) -> list[str]:
    return list(labelling(CHANGES.validate_python(changes)))


def test_labels_are_set_and_removed_in_one_command():
    assert commands({"worker-1": {"labels": {"pool": "cpu", "old/name": None, "note": ""}}}) == [
        "kubectl label node worker-1 --overwrite pool=cpu old/name- note="
    ]


def test_taints_are_set_and_removed():
    changes = {
        "taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}],
        "without_taints": [{"key": "gpu", "value": "yes", "effect": "NoExecute"}],
    }
    assert commands({"worker-1": changes}) == [
        "untaint worker-1 gpu:NoExecute-",
        "kubectl taint node worker-1 --overwrite gpu=yes:NoSchedule",
    ]


def test_a_taint_with_a_new_value_is_there_all_the_time():
    taint = {"key": "gpu", "effect": "NoSchedule"}
    changes = {"taints": [{**taint, "value": "new"}], "without_taints": [{**taint, "value": "old"}]}
    assert commands({"worker-1": changes}) == ["kubectl taint node worker-1 --overwrite gpu=new:NoSchedule"]


def test_values_cannot_become_commands():
    assert "'a=$(reboot)'" in commands({"worker-1": {"labels": {"a": "$(reboot)"}}})[0]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('error: taint "gpu:NoSchedule" not found', 0),
        ('Error from server (NotFound): nodes "worker-1" not found', 1),
        ("Unable to connect to the server", 1),
    ],
)
def test_a_taint_that_is_gone_already_is_no_failure_and_a_node_is(said: str, code: int):
    script = f"{START}\nkubectl() {{ echo '{said}'; return 1; }}\nuntaint worker-1 gpu:NoSchedule-\n"
    done = subprocess.run(["sh", "-s"], input=script, text=True, capture_output=True, timeout=10, check=False)
    assert done.returncode == code
    assert (said in done.stderr) == bool(code)


def test_errands_are_done_where_they_can_be_those_named_first():
    second = node("cp-2", 3, roles=("control-plane", "etcd"))
    nodes = (FIRST, WORKER, second)
    labels = run_of("", kind="labels", nodes=nodes, hosts=("worker-1",))
    assert [each.name for each in candidates(labels)] == ["cp-1", "cp-2"]
    snapshot = run_of("", kind="snapshot", nodes=nodes, hosts=("cp-2",))
    assert [each.name for each in candidates(snapshot)] == ["cp-2", "cp-1"]
