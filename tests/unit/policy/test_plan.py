"""Plans out of the engine's events, and out of two states."""

from typing import Any

from terp.openstack.types import CLOUD
from terp.policy.plan import is_raised, plan_of_events, plan_of_states

URN = "urn:pulumi:prod::terp::terp:openstack:Cloud$openstack:blockstorage/volume:Volume::etcd-0"


def event(op: str, old: Any = None, new: Any = None, **more: Any) -> dict[str, Any]:
    sides = {
        name: {"inputs": side} if side is not None else None for name, side in (("old", old), ("new", new))
    }
    return {"op": op, "urn": URN, **sides, **more}


def test_the_three_events_of_a_replacement_are_one_step() -> None:
    events = [
        event("delete-replaced", old={"size": 4}),
        event(
            "replace",
            {"size": 4},
            {"size": 4, "volumeType": "fast"},
            keys=["volumeType"],
            diffs=["volumeType"],
        ),
        event("create-replacement", {"size": 4}, {"size": 4, "volumeType": "fast"}, keys=["volumeType"]),
    ]
    for order in (events, events[::-1]):
        (step,) = plan_of_events(order, raised=True).steps
        assert (step.operation, step.forced_by, step.differ) == ("replace", ("volumeType",), ("volumeType",))
        assert (step.was, step.becomes) == ({"size": 4}, {"size": 4, "volumeType": "fast"})
        assert (step.kind, step.name, step.goes) == ("openstack:blockstorage/volume:Volume", "etcd-0", True)


def test_what_an_earlier_replacement_left_is_no_loss() -> None:
    left = {"op": "delete", "urn": URN, "old": {"inputs": {"size": 4}, "delete": True}}
    (step,) = plan_of_events([event("same", {"size": 4}, {"size": 4}), left], raised=True).steps
    assert step.operation == "same"


def test_looking_at_the_cloud_is_no_step() -> None:
    assert plan_of_events([event("refresh", {}, {}), event("read", {}, {})], raised=True).steps == ()


def test_two_states_make_a_plan() -> None:
    plan = plan_of_states(
        {"a::b::c$k::same": {"x": 1}, "a::b::k::gone": {}, "a::b::k::other": {"x": 1, "computed": "y"}},
        {"a::b::c$k::same": {"x": 1}, "a::b::k::new": {}, "a::b::k::other": {"x": 2}},
        raised=True,
    )
    assert {step.name: (step.operation, step.differ) for step in plan.steps} == {
        "same": ("same", ()),
        "gone": ("delete", ()),
        "new": ("create", ()),
        "other": ("update", ("x",)),
    }
    assert [step.name for step in plan.changes] == ["gone", "new", "other"]
    assert [step.name for step in plan.of("k") if step.goes] == ["gone"]


def test_a_stack_is_raised_when_it_has_had_all_its_hosts() -> None:
    layer = {"type": CLOUD, "urn": f"urn:pulumi:prod::terp::{CLOUD}::prod"}
    assert not is_raised({})
    assert not is_raised({"resources": [layer, {"type": "x", "urn": URN, "outputs": {"size": 4}}]})
    assert is_raised({"resources": [{**layer, "outputs": {"hosts": []}}]})
