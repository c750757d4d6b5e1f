"""Each rule of the gate, with what it lets pass and what it objects to."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.policy.steps import (
    FLOATING_IP,
    LISTENER,
    NETWORK,
    RULE,
    cluster,
    control_plane,
    environment,
    plan,
    platform,
    pool,
    server,
    step,
    volume,
)

from terp.environment.nodes import CONTROL_PLANE
from terp.kubernetes.plan.refusals import quorum
from terp.policy.finding import Objection
from terp.policy.plan import Operation, Step
from terp.policy.rules import RULES
from terp.policy.rules.availability import allowed
from terp.policy.rules.secrets import plain_secrets

ANYONE = {
    "direction": "ingress",
    "protocol": "tcp",
    "portRangeMin": 22,
    "portRangeMax": 22,
    "remoteIpPrefix": "0.0.0.0/0",
}
OURS = {**ANYONE, "remoteIpPrefix": "10.0.0.0/8"}
Case = tuple[Sequence[Step], Sequence[str]]


def objections(rule: str, steps: Sequence[Step], *, raised: bool = True, **nodes: Any) -> list[Objection]:
    (look,) = [each.look for each in RULES if each.id == rule]
    return list(look(plan(*steps, raised=raised), environment(**nodes)))


CASES: dict[str, list[Case]] = {
    "delete-volume": [
        ([volume("etcd-0", "same"), volume("etcd-1", "create"), volume("etcd-2", "update")], []),
        ([volume("etcd-0", "delete")], ["etcd-0"]),
        ([volume("etcd-0", "replace", forced_by=("volumeType",))], ["etcd-0"]),
    ],
    "delete-control-plane": [
        (control_plane("same", "update", "create"), []),
        (pool("delete"), []),
        ([server("bastion", "replace", "bastion")], []),
        (control_plane("same", "delete", "replace"), ["control-plane-1", "control-plane-2"]),
        ([server("etcd-0", "delete", "etcd")], ["etcd-0"]),
    ],
    "delete-network": [
        ([step(NETWORK, "nodes", "update"), step(NETWORK, "storage", "create")], []),
        ([step(NETWORK, "storage", "delete")], ["storage"]),
        (
            [
                step(
                    "openstack:networking/routerInterface:RouterInterface",
                    "nodes",
                    "replace",
                    {"routerId": "a"},
                )
            ],
            ["nodes"],
        ),
    ],
    "delete-cluster": [
        ([cluster("update")], []),
        ([cluster("delete")], ["prod"]),
        ([cluster("replace")], ["prod"]),
    ],
    "remove-application": [
        ([platform(["minio"], ["harbor", "minio"])], []),
        ([platform(["harbor", "minio"], ["harbor"])], ["minio"]),
    ],
    "etcd-quorum": [
        (control_plane("same", "same", "replace"), []),
        (control_plane("create", "create", "create"), []),
        ([*control_plane("same", "delete", "delete"), cluster("update")], []),
        (control_plane("replace"), ["etcd"]),
        (control_plane("same", "replace", "replace"), ["etcd"]),
        (control_plane("same", "delete", "delete"), ["etcd"]),
        ([*control_plane("delete", "delete", "delete"), cluster("update")], ["etcd"]),
        (control_plane("update", "update", "update", differ=("flavorName",)), ["etcd"]),
        (control_plane("update", "update", "update", differ=("tags",)), []),
        (
            [*control_plane("replace"), *(server(f"etcd-{each}", "same", "etcd") for each in range(3))],
            [],
        ),
    ],
    "pool-nodes": [
        (pool("same", "delete"), []),
        (pool("create", "create", "create"), []),
        (pool("delete", "same", "replace"), ["cpu"]),
        (pool("update", "update", differ=("flavorName",)), ["cpu"]),
        ([server("cpu-0", "delete"), server("gpu-0", "delete")], []),
    ],
    "kubernetes-minor": [
        ([cluster("update", "1.34.3", "1.35.0")], []),
        ([cluster("update", "1.34.3", "1.34.9")], []),
        ([cluster("create")], []),
        ([cluster("update", "1.33.1", "1.35.0")], ["prod"]),
    ],
    "renamed": [
        ([volume("etcd-0", "delete"), volume("etcd-1", "create")], []),
        ([volume("etcd-0", "same")], []),
        (
            [
                volume("etcd-0", "delete"),
                step("openstack:blockstorage/volume:Volume", "cp-0-etcd", "create", {"name": "prod-etcd-0"}),
            ],
            ["cp-0-etcd"],
        ),
    ],
    "public": [
        ([step(RULE, "ours", "create", OURS), step(FLOATING_IP, "api", "same")], []),
        ([step(RULE, "between", "create", {"direction": "ingress", "remoteGroupId": "node"})], []),
        ([step(RULE, "out", "create", {**ANYONE, "direction": "egress"})], []),
        ([step(RULE, "was", "update", ANYONE)], []),
        ([step(LISTENER, "api", "create", {"allowedCidrs": ["10.0.0.0/8"]})], []),
        ([step(RULE, "wide", "create", ANYONE)], ["wide"]),
        ([step(RULE, "half", "create", {**ANYONE, "remoteIpPrefix": "128.0.0.0/1"})], ["half"]),
        ([step(RULE, "six", "create", {**ANYONE, "remoteIpPrefix": "::/0"})], ["six"]),
        ([step(RULE, "any", "create", {"direction": "ingress"})], ["any"]),
        ([step(FLOATING_IP, "bastion", "create")], ["bastion"]),
        ([step(LISTENER, "api", "update", {"allowedCidrs": ["10.0.0.0/8"]}, {"allowedCidrs": []})], ["api"]),
    ],
}


@pytest.mark.parametrize(
    ("rule", "case"),
    [
        pytest.param(rule, case, id=f"{rule} {number}")
        for rule, cases in CASES.items()
        for number, case in enumerate(cases)
    ],
)
def test_a_rule_objects_to_what_it_should_and_to_nothing_else(rule: str, case: Case) -> None:
    steps, expected = case
    assert [subject for subject, _ in objections(rule, steps)] == expected


def test_every_rule_has_a_case_that_passes_and_one_that_does_not() -> None:
    assert CASES.keys() == {rule.id for rule in RULES}
    for cases in CASES.values():
        assert {bool(expected) for _, expected in cases} == {True, False}


def test_an_objection_says_what_is_lost_and_what_forces_it() -> None:
    (found,) = objections("delete-volume", [volume("etcd-0", "replace", forced_by=("volumeType",))])
    assert found.reason == "the volume (20 GiB) would be replaced, for its volumeType, with all that is on it"
    (found,) = objections("etcd-quorum", control_plane("same", "replace", "replace"))
    assert found.reason == (
        "1 of 3 members would be left, and 2 must be: without control-plane-1, control-plane-2"
    )
    (found,) = objections("public", [step(RULE, "wide", "create", ANYONE)])
    assert found.reason == "access from 0.0.0.0/0 to tcp 22 would be new"


def test_what_is_raised_for_the_first_time_may_be_public() -> None:
    assert objections("public", [step(FLOATING_IP, "bastion", "create")], raised=False) == []


@pytest.mark.parametrize(
    ("limit", "count", "away"),
    [(1, 60, 1), (3, 60, 3), ("10%", 60, 6), ("10%", 5, 1), ("100%", 5, 5), ("33%", 10, 3)],
)
def test_a_limit_is_a_number_or_a_part_of_the_pool(limit: int | str, count: int, away: int) -> None:
    assert allowed(limit, count) == away


@given(st.lists(st.sampled_from(["same", "delete", "replace", "create"]), max_size=9), st.integers(1, 9))
def test_whatever_passes_leaves_enough_nodes(operations: list[Operation], limit: int) -> None:
    gone = sum(each in ("delete", "replace") for each in operations)
    found = objections("pool-nodes", pool(*operations), max_unavailable=limit)
    assert bool(found) == (gone > limit)


@given(st.lists(st.sampled_from(["same", "delete", "replace"]), min_size=1, max_size=7), st.booleans())
def test_whatever_passes_leaves_etcd_its_quorum(operations: list[Operation], led: bool) -> None:
    steps = [*control_plane(*operations), *([cluster("update")] if led else [])]
    if objections("etcd-quorum", steps):
        return
    sudden = sum(each == "replace" or (each == "delete" and not led) for each in operations)
    assert len(operations) - sudden >= quorum(len(operations))
    assert "same" in operations


def test_the_role_of_the_control_plane_is_that_of_its_servers() -> None:
    (found,) = control_plane("same")
    assert found.becomes["metadata"]["terp_role"] == CONTROL_PLANE


KEY = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nabc"


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"openstack:password": {"secure": "v1:abc:def"}}, []),
        ({"openstack:region": "one", "terp:debug": True}, []),
        ({"openstack:password": ""}, []),
        ({"terp:environment": {"platform": {"providers": {"secrets": "vault"}}}}, []),
        ({"openstack:password": "hunter2"}, ["openstack:password"]),
        ({"openstack:authToken": "abc"}, ["openstack:authToken"]),
        ({"aws:config": {"keys": [{"secret_key": "abc"}]}}, ["aws:config.keys[0].secret_key"]),
        ({"terp:environment": {"access": {"notes": KEY}}}, ["terp:environment.access.notes"]),
        (
            {"terp:environment": {"git": {"repository": "https://me:geheim@git.example.org/x"}}},
            ["terp:environment.git.repository"],
        ),
    ],
)
def test_a_secret_in_plain_text_is_found_and_not_repeated(config: object, found: list[str]) -> None:
    said = list(plain_secrets(config))
    assert [subject for subject, _ in said] == found
    assert not any(secret in reason for _, reason in said for secret in ("hunter2", "geheim", "abc"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES, st.text(min_size=1))
def test_any_configuration_can_be_looked_through(value: object, secret: str) -> None:
    list(plain_secrets(value))
    hidden = {"some:password": {"secure": secret}, "some:other": value}
    shown = {**hidden, "some:password": secret}
    assert len(list(plain_secrets(shown))) == len(list(plain_secrets(hidden))) + 1
