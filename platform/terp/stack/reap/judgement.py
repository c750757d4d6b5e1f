"""Which stacks may go and why, what of them stays, and in which order the rest goes: pure functions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from terp.stack.lifetime import end_of
from terp.stack.reap.model import FoundStack, Standing, Thing
from terp.stack.reap.ownership import LONE

ORDER = (
    ("load balancer", "server", "floating IP"),
    ("snapshot", "port", "server group", "keypair"),
    ("volume", "interface", "security group"),
    ("router",),
    ("subnet",),
    ("network",),
)
"""Kinds by steps: what is of one goes at once, when what stood on it has gone."""
UNKNOWN = Standing()


def found_stacks(
    things: Iterable[Thing],
    standings: Mapping[str, Standing],
    *,
    now: datetime,
    keep: Collection[str] = (),
    named: Collection[str] = (),
) -> tuple[FoundStack, ...]:
    """Every stack, by name.

    `keep` are patterns of what stays: stacks, and ids or names of things. `named` are stacks that somebody
    wants gone although nothing but the missing state says that they are.
    """
    by_stack: dict[str, list[Thing]] = {name: [] for name in standings}
    for thing in things:
        by_stack.setdefault(thing.stack, []).append(thing)
    return tuple(
        _found(name, mine, standings.get(name, UNKNOWN), now, keep, name in named)
        for name, mine in sorted(by_stack.items())
    )


def _found(
    name: str, things: Sequence[Thing], standing: Standing, now: datetime, keep: Collection[str], named: bool
) -> FoundStack:
    may_go, reason = verdict(name, standing, now, named=named)
    wanted = [each for each in things if _matches(keep, each.id, each.name)]
    if _matches(keep, name):
        may_go, reason = False, "is to be kept"
    elif whole := next((each for each in wanted if each.kind not in LONE), None):
        may_go, reason = False, f"{whole} is to be kept, and so all that it stands on"
    kept = {each.id for each in (*wanted, *(each for each in things if each.kept))}
    kept |= {each.stands_on for each in things if each.id in kept}
    return FoundStack(
        name=name,
        may_go=may_go,
        reason=reason,
        recorded=standing.recorded,
        takes=tuple(each for each in things if may_go and each.id not in kept),
        leaves=tuple(each for each in things if not may_go or each.id in kept),
    )


def verdict(name: str, standing: Standing, now: datetime, *, named: bool) -> tuple[bool, str]:
    """Whether a stack may go, and why.

    One without a lifetime never goes by itself: its state may lie in another backend, or be lost, and neither
    may cost a platform.
    """
    end = end_of(name)
    if standing.held:
        return False, standing.held
    if end and end <= now:
        return True, f"its lifetime ended at {end:%Y-%m-%d %H:%M} UTC"
    if standing.abandoned:
        return True, "the run that made it is dead"
    if end:
        return named, "named" if named else f"lives until {end:%Y-%m-%d %H:%M} UTC"
    if standing.recorded:
        return False, "has no lifetime: terp destroy removes it"
    if named:
        return True, "named, and Pulumi's backend does not have it"
    return False, f"is gone from Pulumi's backend: --stack {name} if that is so for good"


def steps(things: Iterable[Thing]) -> list[tuple[Thing, ...]]:
    """What goes at once, step by step."""
    every = list(things)
    found = (tuple(each for each in every if each.kind in kinds) for kinds in ORDER)
    return [step for step in found if step]


def _matches(patterns: Collection[str], *said: str) -> bool:
    return any(fnmatchcase(each, pattern) for each in said if each for pattern in patterns)
