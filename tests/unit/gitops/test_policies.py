"""Each policy of Gatekeeper by what it admits and what it refuses, in a real engine of Rego."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from regopy import Interpreter

CHART = Path(__file__).parents[3] / "charts" / "gatekeeper-policies"
FIXTURES = Path(__file__).parents[2] / "fixtures" / "policies"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
POLICIES = sorted(VALUES["policies"])
CASES = [
    pytest.param(policy, outcome, case["object"], case.get("because", []), id=f"{policy} {outcome} {name}")
    for policy in POLICIES
    for outcome, cases in yaml.safe_load((FIXTURES / f"{policy}.yaml").read_text()).items()
    for name, case in cases.items()
]


@cache
def engine(policy: str) -> Interpreter:
    found = Interpreter()
    for module in ("pods", policy):
        found.add_module(module, (CHART / "files" / f"{module}.rego").read_text())
    return found


def violations(policy: str, made: dict[str, Any]) -> list[str]:
    interpreter = engine(policy)
    parameters = VALUES["policies"][policy].get("parameters", {})
    review = {"object": made, "kind": {"kind": made["kind"]}}
    interpreter.set_input({"review": review, "parameters": parameters})
    found = interpreter.query(f"found := [each.msg | some each in data.{policy.lower()}.violation]")
    messages: list[str] = json.loads(str(found.binding("found")))
    return sorted(messages)


@pytest.mark.parametrize(("policy", "outcome", "made", "because"), CASES)
def test_what_is_made_is_admitted_or_refused(
    policy: str, outcome: str, made: dict[str, Any], because: list[str]
):
    assert violations(policy, made) == sorted(because)
    assert (outcome == "refused") == bool(because)


@pytest.mark.parametrize("policy", POLICIES)
def test_each_policy_has_an_example_of_both(policy: str):
    cases = yaml.safe_load((FIXTURES / f"{policy}.yaml").read_text())
    assert cases["admitted"]
    assert cases["refused"]


def test_policies_warn_until_somebody_says_deny():
    assert VALUES["enforcement"] == "warn"
    assert not [name for name, each in VALUES["policies"].items() if "enforcement" in each]
