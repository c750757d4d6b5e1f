from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from terp.environment.recovery import Retention
from terp.recovery.retention import kept

moments = st.lists(
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), max_size=40
)
numbers = st.integers(0, 6)
retentions = st.builds(Retention, last=st.integers(1, 6), daily=numbers, weekly=numbers, monthly=numbers)


@given(moments, retentions)
def test_the_newest_always_stays(found: list[datetime], retention: Retention):
    stay = kept(found, retention)
    assert stay <= set(found)
    assert set(sorted(set(found))[-retention.last :]) <= stay


@given(moments, retentions)
def test_no_more_stay_than_are_asked_for(found: list[datetime], retention: Retention):
    most = retention.last + retention.daily + retention.weekly + retention.monthly
    assert len(kept(found, retention)) <= most


@given(moments, retentions)
def test_what_stays_stays_at_the_next_look(found: list[datetime], retention: Retention):
    stay = kept(found, retention)
    assert kept(stay, retention) == stay


@given(moments, retentions, st.datetimes(datetime(2020, 1, 1), datetime(2023, 1, 1), timezones=st.just(UTC)))
def test_an_older_set_drives_out_no_newer_one(found: list[datetime], retention: Retention, older: datetime):
    assert kept(found, retention) <= kept([*found, older], retention)


def test_a_year_of_daily_sets():
    days = [datetime(2026, 1, 1, 3, tzinfo=UTC) + timedelta(days=day) for day in range(365)]
    stay = kept(days, Retention(last=2, daily=7, weekly=4, monthly=12))
    assert sorted(f"{day:%m-%d}" for day in stay) == [
        *("01-31", "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30"),
        *("12-13", "12-20", "12-25", "12-26", "12-27", "12-28", "12-29", "12-30", "12-31"),
    ]
