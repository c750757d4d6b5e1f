"""The security groups of every valid environment, rule by rule, as a golden file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from terp.environment import Environment, read
from terp.environment.stack_file import stack_name
from terp.openstack.firewall import groups_of, security_groups
from terp.paths import PROJECT

VALID = sorted((PROJECT / "tests" / "fixtures" / "valid").glob("*.yaml"))


def table(environment: Environment, stack: str) -> str:
    return "".join(
        f"{group.name}  {rule.key}\n" for group in security_groups(stack, environment) for rule in group.rules
    )


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_who_may_call_whom(file: Path, golden: Callable[[str, str], None]) -> None:
    golden(f"firewall/{file.stem}.txt", table(read(file), stack_name(file)))


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_no_rule_comes_twice_and_none_lets_everything_in(file: Path) -> None:
    for group in security_groups(stack_name(file), read(file)):
        keys = [rule.key for rule in group.rules]
        assert len(set(keys)) == len(keys)
        for rule in group.rules:
            assert rule.direction == "egress" or rule.group or rule.cidr


def test_servers_are_in_the_groups_of_their_role() -> None:
    there = ("node", "control-plane", "worker", "bastion", "gpu")
    assert groups_of("control-plane", "control-plane", there) == ("node", "control-plane")
    assert groups_of("gpu", "worker", there) == ("node", "worker", "gpu")
    assert groups_of("cpu", "worker", there) == ("node", "worker")
    assert groups_of("bastion", "bastion", there) == ("bastion",)
