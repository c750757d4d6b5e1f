import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cloud.network.snapshots import EXTERNAL, FREE, NET, OUTER, PEER, SERVER, SMALL, uuid

from terp.cloud.network.plan import allocate, numbered, plan, zoned


def test_the_plan_names_bridges_routers_and_the_external_network() -> None:
    made = plan(SMALL, numbers=numbered(SMALL, {}), zones={NET: 7, OUTER: 9}, external_cidr=EXTERNAL)
    assert [(each.network, each.mtu, each.zone) for each in made.bridges] == [
        (NET, 1442, 7),
        (OUTER, 1500, 9),
    ]
    assert made.external == OUTER
    assert made.external_addresses == ()
    assert len(made.routers) == 1


def test_the_machine_gets_the_gateways_of_the_other_external_subnets() -> None:
    more = SMALL.subnets[2].model_copy(update={"id": uuid(78), "cidr": "fd99::/64", "gateway": "fd99::1"})
    snapshot = SMALL.model_copy(update={"subnets": (*SMALL.subnets, more)})
    made = plan(snapshot, numbers=numbered(snapshot, {}), zones=zoned(snapshot, {}), external_cidr=EXTERNAL)
    assert made.external_addresses == ("fd99::1/64",)


def test_only_filtered_ports_are_numbered() -> None:
    assert set(numbered(SMALL, {})) == {SERVER, PEER}
    assert FREE not in numbered(SMALL, {})


def test_numbers_stay_and_are_not_given_again_at_once() -> None:
    first = allocate({}, ["a", "b", "c"], range(2, 100))
    assert first == {"a": 2, "b": 3, "c": 4}
    assert allocate(first, ["b", "d"], range(2, 100)) == {"b": 3, "d": 5}


@given(st.lists(st.sets(st.sampled_from("abcdefgh"), max_size=6), max_size=20))
def test_numbers_are_unique_and_within_the_span_for_ever(steps: list[set[str]]) -> None:
    span, taken = range(1, 7), {}  # type: ignore[var-annotated]
    for wanted in steps:
        following = allocate(taken, sorted(wanted), span)
        assert set(following) == wanted
        assert len(set(following.values())) == len(wanted)
        assert all(number in span for number in following.values())
        assert all(following[name] == taken[name] for name in wanted & set(taken))
        taken = following


def test_too_many_are_refused() -> None:
    with pytest.raises(ValueError, match="no number left"):
        allocate({}, ["a", "b", "c"], range(1, 3))
