"""The end of a lifetime in a stack's name."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.errors import TerpError
from terp.stack.lifetime import duration, end_of, ephemeral_name, ephemeral_stack_of

END = datetime(2026, 11, 28, 12, 3, tzinfo=UTC)
NAME = "smoke-3fa94c-until-20261128t1203z"


def test_a_name_tells_its_end() -> None:
    assert ephemeral_name("smoke", END, "3fa94c") == NAME
    assert end_of(NAME) == END


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2999, 1, 1)),
    st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True),
)
def test_every_end_comes_back_to_the_minute(end: datetime, base: str) -> None:
    moment = end.replace(tzinfo=UTC)
    name = ephemeral_name(base, moment)
    assert end_of(name) == moment.replace(second=0, microsecond=0)
    assert ephemeral_stack_of(f"{name}-control-plane") == name


def test_two_of_one_moment_have_two_names() -> None:
    assert ephemeral_name("smoke", END) != ephemeral_name("smoke", END)


@pytest.mark.parametrize(
    "name",
    [
        "prod",
        "smoke-until-friday",
        "smoke-3fa94c-until-20261128",
        "smoke-3fa94c-until-20261328t1203z",  # no such month
        "smoke-3FA94C-until-20261128t1203z",
        f"{NAME}-cpu",
        f"backup of {NAME}",
    ],
)
def test_what_only_looks_like_it_has_no_end(name: str) -> None:
    assert end_of(name) is None


@pytest.mark.parametrize(
    ("text", "length"),
    [("90m", timedelta(minutes=90)), ("2h", timedelta(hours=2)), ("1d", timedelta(days=1))],
)
def test_durations(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "2", "2w", "-1h", "4m", "31d", "999999999d", "2 h"])
def test_what_is_no_lifetime_is_refused(text: str) -> None:
    with pytest.raises(TerpError) as refused:
        duration(text)
    assert refused.value.exit_code == 2
