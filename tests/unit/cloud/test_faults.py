"""Fault rules: what they meet, how often they fire, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from terp.cloud.faults import FILE, Fault, set_faults
from terp.cloud.services.fault_rules import FaultRules
from terp.cloud.state import State


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


def fired(rules: FaultRules, calls: int, path: str = "/v2.1/servers") -> list[bool]:
    return [
        rules.fire(lambda rule: rule.meets_request("nova", "POST", path)) is not None for _ in range(calls)
    ]


def test_without_a_file_nothing_fires(state: State) -> None:
    assert fired(FaultRules(state.root), 3) == [False, False, False]


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        ({}, True),
        ({"service": "nova"}, True),
        ({"service": "neutron"}, False),
        ({"method": "POST"}, True),
        ({"method": "GET"}, False),
        ({"path": "/servers$"}, True),
        ({"path": "/servers/"}, False),
        ({"kind": "boot"}, False),
    ],
)
def test_a_rule_meets_what_it_says(rule: dict[str, Any], met: bool) -> None:
    assert Fault.model_validate(rule).meets_request("nova", "POST", "/v2.1/servers") is met


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        ({}, [True, True, True, True]),
        ({"times": 2}, [True, True, False, False]),
        ({"nth": 3}, [False, False, True, False]),
        ({"nth": 1, "times": 1}, [True, False, False, False]),
    ],
)
def test_a_rule_fires_as_often_as_it_says(state: State, rule: dict[str, Any], pattern: list[bool]) -> None:
    set_faults(state, [Fault(status=503, **rule)])
    assert fired(FaultRules(state.root), 4) == pattern


def test_a_rate_fires_sometimes(state: State) -> None:
    set_faults(state, [Fault(status=503, rate=0.5)])
    assert set(fired(FaultRules(state.root), 100)) == {True, False}


def test_new_rules_are_seen_while_running_and_count_anew(state: State) -> None:
    rules = FaultRules(state.root)
    set_faults(state, [Fault(status=503, times=1)])
    assert fired(rules, 2) == [True, False]
    set_faults(state, [Fault(status=500, times=1)])
    assert fired(rules, 2) == [True, False]
    set_faults(state, [])
    assert fired(rules, 1) == [False]
    assert not state.path(FILE).exists()


def test_servers_are_met_by_name() -> None:
    rule = Fault(kind="boot", name="^worker-[12]$")
    assert rule.meets_server("boot", "worker-1")
    assert not rule.meets_server("boot", "worker-11")
    assert not rule.meets_server("attach", "worker-1")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"service": "nava"}, "is none of keystone"),
        ({"status": 503, "drop": True}, "a dropped connection has no status"),
        ({"lost": True}, "lost needs"),
        ({"path": "("}, "no regular expression"),
        ({"status": 200}, "greater than or equal to 400"),
        ({"rate": 0}, "greater than 0"),
        ({"statsu": 503}, "Extra inputs"),
    ],
)
def test_a_rule_without_sense_is_refused(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Fault.model_validate(rule)
