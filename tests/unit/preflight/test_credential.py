"""What is said of the credential."""

from datetime import timedelta

import pytest
from tests.unit.preflight.samples import NOW, said, snapshot

from terp.preflight.credential import check
from terp.preflight.snapshot import Access, ApplicationCredential


def with_roles(*roles: str):
    return snapshot(access=Access(project_id="p1", roles=frozenset(roles), services=frozenset()))


def expiring(left: timedelta, *, unrestricted: bool = False):
    return snapshot(
        application_credential=ApplicationCredential(
            name="terp", unrestricted=unrestricted, expires=NOW + left
        )
    )


def test_a_members_credential_without_an_end_is_right():
    assert said(check(snapshot())) == []


def test_a_password_is_right_too():
    assert said(check(snapshot(application_credential=None))) == []


@pytest.mark.parametrize("roles", [("admin",), ("admin", "member"), ("manager", "member")])
def test_more_than_a_member_is_a_warning(roles: tuple[str, ...]):
    [(severity, key, message, hint)] = said(check(with_roles(*roles)))
    assert (severity, key) == ("warning", "cloud.name")
    assert message == f"the credential has the role {roles[0]}"
    assert "member is enough" in hint


def test_a_reader_cannot_make_servers():
    [(severity, _, message, hint)] = said(check(with_roles("reader")))
    assert severity == "error"
    assert message == "the credential has no role that may make servers (roles: reader)"
    assert hint == "role: member"


def test_an_unrestricted_credential_is_a_warning():
    [(severity, _, message, _)] = said(check(expiring(timedelta(days=400), unrestricted=True)))
    assert severity == "warning"
    assert "is unrestricted" in message


@pytest.mark.parametrize(
    ("left", "severity", "message"),
    [
        (timedelta(0), "error", "the application credential 'terp' expired on 2026-11-22 12:00 UTC"),
        (
            timedelta(minutes=10),
            "warning",
            "the application credential 'terp' expires on 2026-11-22 12:10 UTC, in less than an hour",
        ),
        (
            timedelta(hours=30),
            "warning",
            "the application credential 'terp' expires on 2026-11-23 18:00 UTC, in 30 hours",
        ),
        (
            timedelta(days=13, hours=23),
            "warning",
            "the application credential 'terp' expires on 2026-12-06 11:00 UTC, in 13 days",
        ),
    ],
)
def test_a_credential_that_ends(left: timedelta, severity: str, message: str):
    assert said(check(expiring(left)))[0][:3] == (severity, "cloud.name", message)


def test_a_credential_that_holds_for_two_weeks_is_right():
    assert said(check(expiring(timedelta(days=14)))) == []


def test_without_authentication_nothing_is_said_twice():
    assert said(check(snapshot(access=None, application_credential=None))) == []
