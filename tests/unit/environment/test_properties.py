"""Whatever is written in a file: an environment or words about it, never another exception."""

import copy
import ipaddress
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terp.environment import Environment, InvalidEnvironmentError, check, read
from terp.environment.fields import NAME
from terp.environment.rules.ranges import free, overlap, ranges
from terp.errors import TerpError
from terp.openstack.firewall import security_groups
from terp.openstack.servers import servers

FILES = sorted((Path(__file__).parents[2] / "fixtures" / "valid").glob("*.yaml"))
VALUES = [
    json.loads(json.dumps(yaml.safe_load(file.read_text())["config"]["terp:environment"])) for file in FILES
]
TEXTS = [file.read_bytes() for file in FILES]

addresses = st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number)))
networks = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(
    lambda pair: str(ipaddress.ip_network(pair, strict=False))
)
words = st.sampled_from(
    [
        "new",
        "none",
        "node",
        "load-balancer",
        "virtual-ip",
        "10.20.0.1",
        "10.20.0.0/24",
        "::/0",
        "fd00::/64",
        "a",
        "",
    ]
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), words, addresses, networks
)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12) | words, inner, max_size=3)
    ),
    max_leaves=8,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for step, inner in pairs for place in places(inner, (*way, step)))]


@st.composite
def mutations(draw: st.DrawFn) -> object:
    """A realistic value with up to three changes."""
    value = copy.deepcopy(draw(st.sampled_from(VALUES)))
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(places(value)[1:] or [()]))
        if not way:
            return draw(junk)
        holder = value
        for step in way[:-1]:
            holder = holder[step]
        match draw(st.sampled_from(["replace", "remove", "rename", "add"])):
            case "replace":
                holder[way[-1]] = draw(junk)
            case "remove":
                del holder[way[-1]]
            case "rename" if isinstance(holder, dict):
                holder[draw(st.text(max_size=12) | words)] = holder.pop(way[-1])
            case _ if isinstance(holder, dict):
                holder[draw(st.sampled_from(["pods", "zone", "size", "1", "x" * 70]))] = draw(junk)
            case _:
                holder.append(draw(junk))
    return value


def judged(value: object) -> Environment | None:
    try:
        return check(value, "prod")
    except InvalidEnvironmentError as error:
        assert error.mistakes
        assert all(each.message and each.key.startswith("terp:environment") for each in error.mistakes)
        assert str(error)
        return None


@settings(max_examples=600, deadline=None)
@given(mutations())
def test_any_change_of_a_right_value_is_judged(value: object):
    judged(value)


@settings(max_examples=200, deadline=None)
@given(junk)
def test_any_value_is_judged(value: object):
    judged(value)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_any_change_of_a_right_file_is_judged(tmp_path: Path, data: st.DataObject):
    text = bytearray(data.draw(st.sampled_from(TEXTS)))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        new = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"\t", b"- ", b": ", b"&a ", b"*a", b"\n", b"<<", b"{"])
        )
        text[start : start + length] = new
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_bytes(text)
    try:
        assert isinstance(read(file), Environment)
    except TerpError as error:
        assert error.exit_code == 2
        assert str(error)


@settings(max_examples=300, deadline=None)
@given(mutations())
def test_what_is_accepted_can_be_built(value: object):
    environment = judged(value)
    if environment is None:
        return
    found = servers("prod", environment)
    names = [server.name for server in found]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(NAME, name) and len(name) <= 63 for name in names)
    fixed = [server.address for server in found if server.address]
    assert len(set(fixed)) == len(fixed)
    assert all(address in environment.network.nodes for address in fixed)
    assert security_groups("prod", environment)
    assert Environment.model_validate(environment.model_dump(mode="json")) == environment


def shuffled(value: Any, dice: random.Random) -> Any:
    """The same value with the keys of its mappings in another order."""
    if isinstance(value, dict):
        pairs = list(value.items())
        dice.shuffle(pairs)
        return {name: shuffled(inner, dice) for name, inner in pairs}
    return [shuffled(inner, dice) for inner in value] if isinstance(value, list) else value


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(VALUES), st.randoms(use_true_random=False))
def test_the_order_of_keys_and_pools_means_nothing(value: object, dice: random.Random):
    one, other = check(value), check(shuffled(value, dice))
    assert one == other
    assert servers("prod", one) == servers("prod", other)


@settings(max_examples=100, deadline=None)
@given(mutations(), st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_no_judgement(value: object, dice: random.Random):
    assert (judged(value) is None) == (judged(shuffled(value, dice)) is None)


@settings(max_examples=300, deadline=None)
@given(st.lists(networks.map(ipaddress.ip_network), max_size=8), st.integers(9, 32))
def test_a_free_range_is_free(taken: list[ipaddress.IPv4Network], prefix: int):
    found = free(prefix, 4, taken)
    if found is not None:
        assert found.is_private
        assert found.prefixlen == prefix
        assert not any(found.overlaps(each) for each in taken)


@settings(max_examples=200, deadline=None)
@given(networks.map(ipaddress.ip_network), networks.map(ipaddress.ip_network))
def test_ranges_overlap_as_ipaddress_says(one: ipaddress.IPv4Network, other: ipaddress.IPv4Network):
    assert overlap(one, other) == one.overlaps(other)


@pytest.mark.parametrize("reserved", ["10.0.0.0/8", "10.233.0.0/16", "10.10.1.0/24", "10.128.0.0/10"])
def test_what_is_suggested_for_ranges_makes_the_environment_right(reserved: str):
    """All suggestions at once: they do not overlap each other either."""
    value = copy.deepcopy(VALUES[[file.stem for file in FILES].index("sandbox")])
    value["network"] = {"reserved": [reserved]}
    for _ in range(2):
        try:
            environment = check(value)
            break
        except InvalidEnvironmentError as error:
            for mistake in error.mistakes:
                holder = value
                *way, last = mistake.key.removeprefix("terp:environment.").split(".")
                for step in way:
                    holder = holder.setdefault(step, {})
                holder[last] = mistake.suggestion.rpartition(" ")[2]
    found = [each.cidr for each in ranges(environment)]
    assert not any(overlap(one, other) for one in found for other in found if one is not other)
