"""Which recovery sets stay: a pure function of their ages."""

from collections.abc import Callable, Iterable
from datetime import datetime

from terp.environment.recovery import Retention

Period = Callable[[datetime], tuple[int, ...]]


def _day(moment: datetime) -> tuple[int, ...]:
    return moment.timetuple()[:3]


def _week(moment: datetime) -> tuple[int, ...]:
    return moment.isocalendar()[:2]


def _month(moment: datetime) -> tuple[int, ...]:
    return moment.timetuple()[:2]


def kept(moments: Iterable[datetime], retention: Retention) -> frozenset[datetime]:
    """The moments (UTC) whose sets stay: the newest ones, and the newest of each of the last periods."""
    newest_first = sorted(set(moments), reverse=True)
    stay = set(newest_first[: retention.last])
    periods: tuple[tuple[Period, int], ...] = (
        (_day, retention.daily),
        (_week, retention.weekly),
        (_month, retention.monthly),
    )
    for period, number in periods:
        newest: dict[tuple[int, ...], datetime] = {}
        for moment in newest_first:
            newest.setdefault(period(moment), moment)
        stay |= set(list(newest.values())[:number])
    return frozenset(stay)
