"""Which stacks may go, what of them stays, and in which order the rest goes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.stack.lifetime import ephemeral_name
from terp.stack.reap.judgement import ORDER, found_stacks, steps, verdict
from terp.stack.reap.model import FoundStack, Standing, Thing

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
ENDED = ephemeral_name("smoke", NOW - timedelta(hours=1), "0a1b2c")
LIVES = ephemeral_name("smoke", NOW + timedelta(hours=1), "3d4e5f")
KINDS = [kind for step in ORDER for kind in step]


@pytest.mark.parametrize(
    ("stack", "standing", "named", "goes"),
    [
        (ENDED, Standing(), False, True),
        (ENDED, Standing(recorded=True), False, True),
        (ENDED, Standing(recorded=True, held="its run is alive"), True, False),
        (LIVES, Standing(recorded=True), False, False),
        (LIVES, Standing(recorded=True), True, True),
        (LIVES, Standing(recorded=True, abandoned=True), False, True),
        (LIVES, Standing(abandoned=True, held="its run is alive"), True, False),
        ("prod", Standing(recorded=True), False, False),
        ("prod", Standing(recorded=True), True, False),
        ("prod", Standing(), False, False),
        ("prod", Standing(), True, True),
    ],
)
def test_who_may_go(stack: str, standing: Standing, named: bool, goes: bool) -> None:
    found, reason = verdict(stack, standing, NOW, named=named)
    assert found is goes
    assert reason


def thing(kind: str, name: str, stack: str = ENDED, **more: object) -> Thing:
    return Thing.model_validate({"kind": kind, "id": f"id-{name}", "name": name, "stack": stack, **more})


SERVER, VOLUME = thing("server", "cpu-0"), thing("volume", "data")
SNAPSHOT = thing("snapshot", "daily", stands_on="id-data")


def one(keep: tuple[str, ...], *things: Thing) -> FoundStack:
    (found,) = found_stacks(things, {}, now=NOW, keep=keep)
    return found


def test_all_of_a_stack_goes_unless_something_is_to_be_kept() -> None:
    assert one((), SERVER, VOLUME, SNAPSHOT).takes == (SERVER, VOLUME, SNAPSHOT)


@pytest.mark.parametrize("pattern", [ENDED, "smoke-*", "cpu-0", "id-cpu-0", "cpu-?"])
def test_to_keep_a_stack_or_a_server_is_to_keep_all_of_it(pattern: str) -> None:
    found = one((pattern,), SERVER, VOLUME)
    assert (found.may_go, found.takes, found.leaves) == (False, (), (SERVER, VOLUME))


@pytest.mark.parametrize(("pattern", "left"), [("data", (VOLUME,)), ("daily", (VOLUME, SNAPSHOT))])
def test_a_volume_stays_alone_and_a_snapshot_with_its_volume(pattern: str, left: tuple[Thing, ...]) -> None:
    found = one((pattern,), SERVER, VOLUME, SNAPSHOT)
    assert (found.may_go, found.leaves) == (True, left)


def test_what_was_left_on_purpose_stays() -> None:
    kept = thing("volume", "data", kept=True)
    assert one((), SERVER, kept).leaves == (kept,)


def test_a_stack_that_only_the_backend_has_is_found_too() -> None:
    (found,) = found_stacks((), {ENDED: Standing(recorded=True)}, now=NOW)
    assert (found.name, found.may_go, found.takes) == (ENDED, True, ())


@given(st.lists(st.sampled_from(KINDS)))
def test_everything_goes_once_and_after_what_stands_on_it(kinds: list[str]) -> None:
    things = [thing(kind, f"{number}") for number, kind in enumerate(kinds)]
    found = steps(things)
    assert sorted(each.id for step in found for each in step) == sorted(each.id for each in things)
    place = {each.kind: number for number, step in enumerate(found) for each in step}
    for first, then in [
        ("server", "volume"),
        ("server", "port"),
        ("snapshot", "volume"),
        ("load balancer", "network"),
        ("floating IP", "router"),
        ("port", "security group"),
        ("port", "subnet"),
        ("interface", "router"),
        ("router", "network"),
        ("subnet", "network"),
    ]:
        if first in place and then in place:
            assert place[first] < place[then], (first, then)
