"""Decisions of the protocol's side that need no engine."""

from pulumi.runtime.proto import provider_pb2

from terp.kubernetes.resource import in_recorded_order
from terp.provider.servicer import diff_response

KIND = provider_pb2.PropertyDiff


def nodes(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def test_nodes_keep_their_places_and_new_ones_come_last():
    assert in_recorded_order(nodes("c1", "w1"), nodes("w0", "w1", "c1", "c0")) == nodes(
        "c1", "w1", "w0", "c0"
    )


def test_nodes_that_are_gone_leave_the_order_of_the_others():
    assert in_recorded_order(nodes("a", "b", "c"), nodes("c", "a")) == nodes("a", "c")


def test_nodes_that_are_not_known_yet_are_left_alone():
    assert in_recorded_order(nodes("a"), "unknown") == "unknown"
    assert in_recorded_order(None, nodes("b", "a")) == nodes("b", "a")


def test_equal_inputs_have_no_difference():
    answer = diff_response({"name": "a", "nodes": []}, {"name": "a", "nodes": []}, [])
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert answer.hasDetailedDiff
    assert not answer.detailedDiff


def test_a_difference_is_told_in_detail():
    answer = diff_response({"variables": {"a": 1}}, {"variables": {"a": 2, "b.c": 1}}, [])
    assert {path: each.kind for path, each in answer.detailedDiff.items()} == {
        "variables.a": KIND.UPDATE,
        'variables["b.c"]': KIND.ADD,
    }
    assert list(answer.diffs) == ["variables"]
    assert list(answer.replaces) == []


def test_another_name_is_another_cluster():
    answer = diff_response({"name": "a"}, {"name": "b"}, [])
    assert answer.detailedDiff["name"].kind == KIND.UPDATE_REPLACE
    assert list(answer.replaces) == ["name"]


def test_of_secrets_only_the_property_is_told():
    secret = frozenset({"secrets"})
    answer = diff_response({"secrets": {"x": "1"}}, {"secrets": {"x": "2"}}, [], secrets=secret)
    assert list(answer.detailedDiff) == ["secrets"]
    assert "2" not in str(answer)


def test_what_shall_be_ignored_is():
    answer = diff_response({"variables": {"a": 1, "b": 1}}, {"variables": {"a": 2, "b": 2}}, ["variables.a"])
    assert list(answer.detailedDiff) == ["variables.b"]
