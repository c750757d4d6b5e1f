"""Stacks with a lifetime: its end is part of the stack's name, and so of everything that is made for it.

What has no place for a mark (keypairs, server groups), and what a cluster makes by itself, says it as well;
nothing else needs to be there to know that something may go.
"""

import re
import secrets
from datetime import UTC, datetime, timedelta

from terp.errors import TerpError

NAME = re.compile(
    r"(?P<stack>(?P<base>[a-z0-9][a-z0-9-]*)-[0-9a-f]{6}-until-(?P<end>\d{8}t\d{4}z))(?P<rest>-.+)?"
)
"""`smoke-3fa94c-until-20261128t1203z`, and what is called after it."""
FORM = "%Y%m%dt%H%Mz"
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=30)


def ephemeral_name(base: str, end: datetime, unique: str = "") -> str:
    """The name of a new stack that lives until `end`."""
    return f"{base}-{unique or secrets.token_hex(3)}-until-{end.astimezone(UTC).strftime(FORM)}"


def end_of(stack: str) -> datetime | None:
    """When a stack's lifetime ends; None of one without."""
    found = NAME.fullmatch(stack)
    if not found or found["rest"]:
        return None
    try:
        return datetime.strptime(found["end"], FORM).replace(tzinfo=UTC)
    except ValueError:  # digits that are no date
        return None


def ephemeral_stack_of(name: str) -> str | None:
    """The stack with a lifetime that something is called after, by all of its name or its beginning."""
    found = NAME.fullmatch(name)
    return found["stack"] if found and end_of(found["stack"]) else None


def duration(text: str, longest: timedelta = LONGEST) -> timedelta:
    """`90m`, `2h`, `1d`.

    Raises:
        TerpError: it is none, or too short or too long (exit code 2).
    """
    found = re.fullmatch(r"(\d+)([mhd])", text)
    length = int(found[1]) * UNITS[found[2]] if found and len(found[1]) < 6 else None
    if length is None or not SHORTEST <= length <= longest:
        raise TerpError(
            f"{text!r} is no duration",
            hint=f"from 5m to {longest.days}d, for example 90m, 2h or 1d",
            exit_code=2,
        )
    return length
