"""What preflight says altogether."""

import pytest
from tests.unit.preflight.samples import NOW, QUOTAS, SERVICES, STACK, environment, said, snapshot

from terp.errors import TerpError
from terp.preflight.report import Report, judge
from terp.preflight.snapshot import Access, Failure, Quota, Snapshot


def failing(*failures: Failure) -> Report:
    return judge(STACK, environment(), snapshot(failures=failures), None)


def test_an_environment_that_suits_its_cloud_passes():
    report = judge(STACK, environment(), snapshot(), None)
    assert report.findings == ()
    assert len(report.quota) == 17
    report.raise_if_bad()


def test_all_problems_are_reported_at_once_errors_first():
    wanted = environment(
        nodes__image="debian-21",
        nodes__pools={"cpu": {"flavor": "m1.larg", "count": 100, "zones": ["zone-c"]}},
        cloud__external_network="publik",
        network__router="egde",
        access__ssh={"keypair": "opps"},
        access__api={"endpoint": "load-balancer", "provider": "ovn"},
    )
    there = snapshot(
        quotas={**QUOTAS, "load_balancers": Quota(limit=1, used=1)},
        load_balancer_providers=frozenset({"amphora"}),
        access=Access(project_id="p1", roles=frozenset({"admin"}), services=SERVICES),
    )
    report = judge(STACK, wanted, there, None)
    assert [each[:2] for each in said(report.findings)] == [
        ("error", "access.api.provider"),
        ("error", "nodes.pools.cpu.flavor"),
        ("error", "nodes.image"),
        ("error", "nodes.pools.cpu.zones[0]"),
        ("error", "access.ssh.keypair"),
        ("error", "cloud.external_network"),
        ("error", "network.router"),
        ("error", "nodes"),  # instances
        ("error", "nodes"),  # ports
        ("error", "access.api.endpoint"),
        ("error", "nodes"),  # members of the server group
        ("warning", "cloud.name"),
    ]
    with pytest.raises(TerpError) as caught:
        report.raise_if_bad()
    assert caught.value.exit_code == 2
    assert caught.value.message.startswith("11 problems with the cloud; nothing was changed\n\n")
    assert all(str(each) in caught.value.message for each in report.errors)
    assert "admin" not in caught.value.message


def test_warnings_alone_stop_nothing():
    report = failing(Failure(service="network", what="quotas", reason="403: no", forbidden=True))
    assert [each.severity for each in report.findings] == ["warning"]
    report.raise_if_bad()


def test_a_service_that_does_not_answer_is_one_finding():
    report = failing(
        *(Failure(service="network", what=what, reason="no connection") for what in ("ports", "quotas")),
        Failure(service="compute", what="flavors", reason="no answer within 8 s"),
    )
    assert said(report.findings) == [
        ("error", "cloud.name", "network: ports, quotas: no connection", ""),
        ("error", "cloud.name", "compute: flavors: no answer within 8 s", ""),
    ]


def test_a_right_that_is_missing_says_which_role_gives_it():
    forbidden = Failure(service="load-balancer", what="quotas", reason="403: Policy", forbidden=True)
    assert said(failing(forbidden).findings) == [
        (
            "warning",
            "cloud.name",
            "load-balancer: the credential may not read quotas, so that stays unchecked (403: Policy)",
            "role: load-balancer_member",
        )
    ]


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("401: no", "is the application credential expired or deleted, or its secret another?"),
        ("no connection", "does auth_url in clouds.yaml lead to Keystone, and is a proxy in the way?"),
    ],
)
def test_without_authentication_only_that_is_said(reason: str, hint: str):
    failure = Failure(service="identity", what="authentication", reason=reason)
    report = judge(STACK, environment(), Snapshot(at=NOW, failures=(failure,)), None)
    assert said(report.findings) == [("error", "cloud.name", f"authentication: {reason}", hint)]
    assert report.quota == ()
