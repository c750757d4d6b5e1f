"""What the plan adds, and what is short."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.preflight.samples import QUOTAS, STACK, environment, said, snapshot
from tests.unit.preflight.states import resource, state

from terp.openstack import types
from terp.preflight import demand, quota
from terp.preflight.demand import prices
from terp.preflight.quota import Row
from terp.preflight.recorded import recorded
from terp.preflight.snapshot import Quota

AMOUNTS = st.dictionaries(
    st.tuples(st.sampled_from(["port", "server"]), st.sampled_from("abc")),
    st.dictionaries(st.sampled_from(["ports", "cores"]), st.integers(0, 100)),
)


def table(
    quotas: dict[str, Quota] | None = None, recorded_state: Any = None, **changes: Any
) -> dict[str, tuple[int, ...]]:
    """Quota, used, added and short of each resource."""
    wanted, there = environment(**changes), snapshot()
    cost = prices(there)
    rows = quota.table(
        STACK,
        wanted,
        demand.demand(STACK, wanted, cost),
        recorded(recorded_state, cost),
        quotas or QUOTAS,
    )
    return {row.resource: (row.quota, row.used, row.added, row.short) for row in rows}


def test_a_new_stack_adds_everything():
    rows = table()
    assert rows["instances"] == (20, 4, 6, 0)
    assert rows["cores"] == (40, 8, 15, 0)
    assert rows["gigabytes_fast"] == (500, 100, 60, 0)
    assert rows["server_group_members"] == (10, 0, 3, 0)


def test_what_is_not_taken_has_no_row():
    assert "load_balancers" not in table()
    assert "load_balancers" in table(access__api={"endpoint": "load-balancer"})


def test_what_is_short_is_exactly_what_is_missing():
    rows = table({**QUOTAS, "cores": Quota(limit=20, used=8), "ports": Quota(limit=15, used=8)})
    assert rows["cores"] == (20, 8, 15, 3)
    assert rows["ports"] == (15, 8, 7, 0)


def test_any_number_is_never_short():
    assert table({**QUOTAS, "instances": Quota(limit=-1, used=10_000)})["instances"] == (-1, 10_000, 6, 0)


def test_a_quota_of_nothing():
    assert table({**QUOTAS, "volumes": Quota(limit=0, used=0)})["volumes"] == (0, 0, 3, 3)


def test_what_the_stack_has_is_not_added_again():
    have = state(*(resource(types.INSTANCE, f"control-plane-{n}", flavorName="m1.medium") for n in range(3)))
    assert table(recorded_state=have)["instances"] == (20, 4, 3, 0)
    assert table(recorded_state=have)["server_group_members"] == (10, 3, 0, 0)


def test_a_larger_flavor_adds_the_difference():
    have = state(*(resource(types.INSTANCE, f"cpu-{n}", flavorName="m1.small") for n in range(2)))
    assert table(recorded_state=have)["cores"][2] == 15 - 2
    assert table(recorded_state=have)["ram"][2] == 3 * 4096 + 2 * (8192 - 2048) + 2048


def test_a_volume_that_grows_adds_the_difference():
    have = state(resource(types.VOLUME, "control-plane-0-etcd", size=15, volumeType="fast"))
    rows = table(recorded_state=have)
    assert (rows["volumes"][2], rows["gigabytes"][2], rows["gigabytes_fast"][2]) == (2, 45, 45)


def test_what_goes_makes_no_room_for_what_comes():
    """Pulumi deletes last: one pool in the place of another needs room for both."""
    old = state(*(resource(types.INSTANCE, f"old-{n}", flavorName="m1.large") for n in range(2)))
    assert table(recorded_state=old)["instances"] == table()["instances"]


def test_a_plan_that_adds_nothing_is_not_short_of_a_quota_that_was_lowered():
    assert Row(resource="ports", label="ports", quota=5, used=9, added=0).short == 0


def test_the_largest_server_group_is_held_against_the_limit_of_members():
    pools = {
        "cpu": {"flavor": "m1.large", "count": 12},
        "gpu": {"flavor": "m1.large", "count": 40, "affinity": "none"},
    }
    assert table(nodes__pools=pools)["server_group_members"] == (10, 0, 12, 2)


def test_findings_say_how_much_and_of_whom():
    rows = (
        Row(resource="cores", label="cores", quota=20, used=8, added=15),
        Row(resource="load_balancers", label="load balancers", quota=1, used=1, added=1),
        Row(resource="ports", label="ports", quota=50, used=8, added=7),
    )
    assert said(quota.short(rows, "p1")) == [
        (
            "error",
            "nodes",
            "quota of cores: 3 short (20 allowed, 8 used, 15 added)",
            "ask the cloud's operator to raise it to 23 (project p1)",
        ),
        (
            "error",
            "access.api.endpoint",
            "quota of load balancers: 1 short (1 allowed, 1 used, 1 added)",
            "ask the cloud's operator to raise it to 2 (project p1)",
        ),
    ]


def test_a_volume_larger_than_the_project_may_make():
    assert said(quota.too_large(environment(), snapshot(largest_volume=10))) == [
        (
            "error",
            "nodes.control_plane.etcd_volume.size",
            "20 GiB; a volume of this project has at most 10 GiB",
            "ask the cloud's operator for a larger per_volume_gigabytes",
        )
    ]
    assert said(quota.too_large(environment(), snapshot(largest_volume=20))) == []
    assert said(quota.too_large(environment(), snapshot(largest_volume=-1))) == []


@given(AMOUNTS, AMOUNTS)
def test_the_plan_adds_no_less_than_the_difference_and_no_more_than_the_whole(wanted: Any, have: Any):
    plan, whole, before = quota.added(wanted, have), Counter[str](), Counter[str]()
    for uses in wanted.values():
        whole.update(uses)
    for uses in have.values():
        before.update(uses)
    for name in ("ports", "cores"):
        assert max(0, whole[name] - before[name]) <= plan[name] <= whole[name]


@given(AMOUNTS)
def test_a_stack_that_has_all_adds_nothing(wanted: Any):
    assert not +quota.added(wanted, wanted)


@given(st.integers(-1, 50), st.integers(0, 60), st.integers(0, 60))
def test_with_what_is_short_granted_the_plan_fits(limit: int, used: int, added: int):
    row = Row(resource="x", label="x", quota=limit, used=used, added=added)
    assert row.short >= 0
    if limit >= 0 and added:
        assert used + added <= limit + row.short
        assert row.short == 0 or used + added == limit + row.short
