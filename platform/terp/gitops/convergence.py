"""How far a platform has come: what is not well yet, by waves; pure functions."""

from collections.abc import Mapping

from terp.gitops.observation import SeenApplication
from terp.gitops.root import RootValues

TO_COME = "not there yet"
EARLIER = "of an earlier revision"
LEAVES = "still there, and to go"


def pending(
    values: RootValues, seen: Mapping[str, SeenApplication], ours: str, revision: str
) -> dict[str, str]:
    """By Application why it is not as it shall be yet; nothing when the platform stands.

    `ours` is the address of our repository, and `revision` what the root has read from it.
    """
    found = {}
    for name in values.applications:
        now = seen.get(name)
        if now is None:
            found[name] = TO_COME
        elif now.revisions.get(ours, revision) != revision:
            found[name] = EARLIER
        elif not now.well:
            found[name] = now.message
    return {**found, **dict.fromkeys(seen.keys() - values.applications.keys(), LEAVES)}


def wave(values: RootValues, names: Mapping[str, str]) -> int | None:
    """The first wave that something of is pending; None when nothing is."""
    return min((_wave_of(values, name) for name in names), default=None)


def of_wave(values: RootValues, names: Mapping[str, str], number: int | None) -> list[str]:
    """What is pending in a wave."""
    return sorted(name for name in names if _wave_of(values, name) == number)


def _wave_of(values: RootValues, name: str) -> int:
    """What goes does so after all that stay."""
    last = max(each.wave for each in values.applications.values())
    return values.applications[name].wave if name in values.applications else last + 1


def sentence(values: RootValues, waiting: Mapping[str, str]) -> str:
    """`wave 2: cert-manager, vault; 48 of 50 Applications to come`."""
    total, number = len(values.applications), wave(values, waiting)
    if number is None:
        return f"all {total} Applications are healthy"
    return f"wave {number}: {', '.join(of_wave(values, waiting, number))}; {len(waiting)} of {total} to come"


def share(values: RootValues, waiting: Mapping[str, str]) -> float:
    """How much of it stands, 0..1."""
    return max(0.0, 1 - len(waiting) / len(values.applications))
