"""What is said of services and what they are able to do."""

import pytest
from tests.unit.preflight.samples import EXTENSIONS, environment, said, snapshot

from terp.preflight.catalogue import check, needed
from terp.preflight.snapshot import Access

DNS = {"zone": "ml.example.org"}


def offering(*services: str):
    return snapshot(access=Access(project_id="p1", roles=frozenset({"member"}), services=frozenset(services)))


def test_a_cloud_that_has_everything_is_right():
    wanted = environment(access__api={"endpoint": "load-balancer", "provider": "ovn"}, cloud__dns=DNS)
    assert said(check(wanted, snapshot())) == []


def test_only_what_is_asked_for_is_needed():
    assert set(needed(environment())) == {"compute", "network", "block-storage", "image"}
    more = environment(access__api={"endpoint": "load-balancer"}, cloud__dns=DNS)
    assert set(needed(more)) - set(needed(environment())) == {"load-balancer", "dns"}


def test_each_missing_service_is_said_with_the_key_that_wants_it():
    wanted = environment(access__api={"endpoint": "load-balancer"}, cloud__dns=DNS)
    assert [each[:3] for each in said(check(wanted, offering("compute", "network", "image")))] == [
        ("error", "cloud.name", "the cloud's catalogue has no block-storage service (Cinder, version 3)"),
        ("error", "access.api.endpoint", "the cloud's catalogue has no load-balancer service (Octavia)"),
        ("error", "cloud.dns", "the cloud's catalogue has no dns service (Designate)"),
    ]


@pytest.mark.parametrize(
    "alias",
    ["security-group", "router", "external-net", "allowed-address-pairs", "standard-attr-tag"],
)
def test_an_extension_that_every_environment_takes(alias: str):
    [(severity, key, message, _)] = said(check(environment(), snapshot(extensions=EXTENSIONS - {alias})))
    assert (severity, key) == ("error", "cloud.name")
    assert f"lacks the extension {alias}:" in message


@pytest.mark.parametrize(
    ("alias", "changes", "key"),
    [
        ("dns-integration", {"network__dns_domain": "nodes.example.org"}, "network.dns_domain"),
        ("net-mtu-writable", {"network__mtu": 1450}, "network.mtu"),
        (
            "net-mtu-writable",
            {"network__additional": {"storage": {"cidr": "10.11.0.0/24", "mtu": 9000}}},
            "network.additional.storage.mtu",
        ),
        ("port-security", {"network__port_security": False}, "network.port_security"),
        (
            "port-security",
            {"network__additional": {"storage": {"cidr": "10.11.0.0/24", "port_security": False}}},
            "network.additional.storage.port_security",
        ),
    ],
)
def test_an_extension_that_one_key_takes(alias: str, changes: dict[str, object], key: str):
    without = snapshot(extensions=EXTENSIONS - {alias})
    assert said(check(environment(), without)) == []
    assert [each[:2] for each in said(check(environment(**changes), without))] == [("error", key)]


def test_a_provider_that_octavia_does_not_have():
    wanted = environment(access__api={"endpoint": "load-balancer", "provider": "ovn"})
    there = snapshot(load_balancer_providers=frozenset({"amphora"}))
    assert said(check(wanted, there)) == [
        (
            "error",
            "access.api.provider",
            "the cloud's Octavia has no provider 'ovn'",
            "possible: amphora; or leave it out for the cloud's default",
        )
    ]


def test_a_dns_zone_that_is_to_be_there():
    wanted = environment(cloud__dns={"zone": "mll.example.org"})
    assert said(check(wanted, snapshot())) == [
        (
            "error",
            "cloud.dns.zone",
            "the project has no DNS zone mll.example.org.",
            'did you mean "ml.example.org."?',
        )
    ]
    made = environment(cloud__dns={"zone": "mll.example.org", "create": True})
    assert said(check(made, snapshot())) == []
