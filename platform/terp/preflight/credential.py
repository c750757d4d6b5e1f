"""The credential: how long it holds, and whether it may more than it must."""

from collections.abc import Iterator
from datetime import timedelta

from terp.environment.findings import Key
from terp.preflight.finding import Finding, error, warning
from terp.preflight.snapshot import Snapshot

CLOUD: Key = ("cloud", "name")
SOON = timedelta(days=14)
ENOUGH = frozenset({"member", "_member_"})
POWERFUL = ("admin", "manager")
"""The first implies the second."""


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Findings about roles and the application credential."""
    access = snapshot.access
    if not access:
        return
    roles = ", ".join(sorted(access.roles))
    if powerful := next((role for role in POWERFUL if role in access.roles), None):
        yield warning(
            CLOUD,
            f"the credential has the role {powerful}",
            "member is enough (and load-balancer_member for load balancers): "
            "openstack application credential create terp --role member",
        )
    elif not access.roles & ENOUGH:
        yield error(
            CLOUD, f"the credential has no role that may make servers (roles: {roles})", "role: member"
        )
    yield from _application_credential(snapshot)


def _application_credential(snapshot: Snapshot) -> Iterator[Finding]:
    credential = snapshot.application_credential
    if not credential:
        return
    if credential.unrestricted:
        yield warning(
            CLOUD,
            f"the application credential {credential.name!r} is unrestricted: it may make others",
            "make one without --unrestricted",
        )
    if not credential.expires:
        return
    left = credential.expires - snapshot.at
    when = f"{credential.expires:%Y-%m-%d %H:%M} UTC"
    if left <= timedelta(0):
        yield error(
            CLOUD, f"the application credential {credential.name!r} expired on {when}", "make a new one"
        )
    elif left < SOON:
        yield warning(
            CLOUD,
            f"the application credential {credential.name!r} expires on {when}, in {_readable(left)}",
            "make a new one in time",
        )


def _readable(left: timedelta) -> str:
    hours = int(left.total_seconds() // 3600)
    return f"{left.days} days" if left.days >= 2 else f"{hours} hours" if hours else "less than an hour"
