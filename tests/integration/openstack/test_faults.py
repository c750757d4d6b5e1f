"""A cloud that stumbles: each service in turn refuses, is too busy or slow, hangs up, or loses an answer."""

from typing import Any

import pytest

from terp.cloud.faults import Fault, set_faults
from terp.preflight.reading import CALL
from tests.integration.openstack.conftest import MakeSite
from tests.integration.openstack.samples import small
from tests.integration.openstack.site import Site, everything

pytestmark = [pytest.mark.tools, pytest.mark.cloud, pytest.mark.timeout(900)]

CUT = {"drop": True, "nth": 1}
LOST = {**CUT, "lost": True}
FAULTS: dict[str, list[dict[str, Any]]] = {
    "refused": [
        {"service": "nova", "method": "POST", "path": "/servers$", "status": 503, "times": 1},
        {"service": "cinder", "method": "POST", "path": "/volumes$", "status": 503, "times": 1},
        {"service": "glance", "method": "GET", "path": "/images", "status": 503, "times": 1},
        {"service": "octavia", "method": "POST", "status": 503, "times": 2},
        {"service": "neutron", "method": "POST", "path": "/security-groups$", "status": 503, "times": 1},
        {"service": "keystone", "method": "POST", "path": "/auth/tokens", "status": 503, "nth": 2},
    ],
    "too-busy": [
        {"service": "neutron", "method": "POST", "path": "/ports", "status": 429, "retry_after": 1, "nth": 2},
        {"service": "keystone", "method": "POST", "path": "/auth/tokens", "status": 429, "nth": 2},
        {"service": "nova", "method": "POST", "path": "/servers$", "status": 429, "retry_after": 1, "nth": 1},
        {"service": "cinder", "method": "POST", "path": "/volumes$", "status": 429, "times": 1},
        {"service": "glance", "method": "GET", "path": "/images", "status": 429, "nth": 2},
        {"service": "octavia", "method": "POST", "status": 429, "times": 1},
    ],
    "cut-off": [
        {"service": "keystone", "method": "POST", "path": "/auth/tokens", **CUT, "nth": 2},
        {"service": "glance", "method": "GET", "path": "/images", **CUT, "nth": 2},
        {"service": "neutron", "method": "POST", "path": "/networks$", **CUT},
        {"service": "nova", "method": "POST", "path": "/servers$", **CUT},
        {"service": "cinder", "method": "POST", "path": "/volumes$", **CUT},
        {"service": "octavia", "method": "POST", "path": "/loadbalancers$", **CUT},
    ],
    "slow": [
        {"service": service, "method": "POST", "delay": 4, "times": 1}
        for service in ("nova", "neutron", "cinder", "octavia")
    ],
    "lost-in-neutron": [
        {"service": "neutron", "method": "POST", "path": f"/{what}$", **LOST}
        for what in ("networks", "ports", "security-groups")
    ],
    "lost-between": [
        {"service": "neutron", "method": "PUT", "path": "/add_router_interface", **LOST},
        {"service": "neutron", "method": "POST", "path": "/security-group-rules$", **LOST},
        {"service": "nova", "method": "POST", "path": "/os-volume_attachments$", **LOST},
    ],
    "lost-elsewhere": [
        {"service": "nova", "method": "POST", "path": "/servers$", "status": 504, "lost": True, "nth": 2},
        {"service": "cinder", "method": "POST", "path": "/volumes$", **LOST},
        {"service": "nova", "method": "POST", "path": "/os-keypairs$", **LOST},
    ],
    "lost-in-octavia": [
        {"service": "octavia", "method": "POST", "path": "/loadbalancers$", **LOST},
        {"service": "octavia", "method": "POST", "path": "/healthmonitors$", **LOST},
    ],
}


def environment() -> dict[str, Any]:
    """Something of every service, small."""
    wanted = small(cpu=1)
    wanted["nodes"]["control_plane"]["etcd_volume"] = {"size": 4}
    wanted["access"] = {"api": {"endpoint": "load-balancer"}}
    return wanted


def until_it_is_up(site: Site, times: int = 4) -> int:
    """Run `terp up` until it succeeds, each failure being a clean one; how often it took."""
    for number in range(1, times + 1):
        process = site.start("up", "--no-hosts")
        _, said = process.communicate(timeout=280)
        if process.returncode == 0:
            return number
        assert process.returncode in (1, 2), said
        assert "error:" in said and "Traceback" not in said, said
    raise AssertionError(said)


@pytest.mark.parametrize("kind", FAULTS)
def test_an_up_gets_through_and_nothing_is_there_twice(sites: MakeSite, kind: str) -> None:
    site = sites(kind, environment())
    set_faults(site.cloud.state, [Fault.model_validate(rule) for rule in FAULTS[kind]])
    until_it_is_up(site)
    set_faults(site.cloud.state, [])
    assert_whole(site)
    site.destroy()
    assert not any(everything(site.member).values())


def assert_whole(site: Site) -> None:
    """Everything is there once, works, and is what the state says."""
    found = site.things()
    known = set(site.state_ids())
    for kind, all_of in found.items():
        for name, thing in all_of.items():
            assert thing["id"] in known or kind == "vips", f"{kind} {name} is not in the state"
    assert {server["status"] for server in found["servers"].values()} == {"ACTIVE"}
    assert {name: len(all_of) for name, all_of in everything(site.member).items()} == EXPECTED
    assert set(found["rules"]) == RULES
    assert {volume["status"] for volume in found["volumes"].values()} == {"in-use"}
    with site.frozen():
        assert site.up("--refresh")["steps"] == []


EXPECTED = {
    "servers": 2,
    "volumes": 1,
    "server_groups": 1,
    "keypairs": 1,
    "ports": 4,  # two servers, the router, the load balancer
    "networks": 1,
    "subnets": 1,
    "routers": 1,
    "security_groups": 2,
    "floating_ips": 0,
    "load_balancers": 1,
    "listeners": 1,
    "pools": 1,
    "monitors": 1,
}
RULES = {
    "node: ingress IPv4 from node",
    "node: ingress IPv6 from node",
    "node: ingress IPv4 tcp 22-22 from 0.0.0.0/0",
    "node: egress IPv4 to 0.0.0.0/0",
    "node: egress IPv6 to ::/0",
    "control-plane: ingress IPv4 tcp 6443-6443 from 10.40.0.0/24",
}


def test_a_service_that_answers_too_late_is_said_and_nothing_is_made(
    sites: MakeSite,
) -> None:
    site = sites("late", environment())
    late = Fault(service="nova", method="GET", path="/flavors", delay=CALL + 5)
    set_faults(site.cloud.state, [late])
    said = site.terp("up", "--no-hosts", code=2).stderr
    set_faults(site.cloud.state, [])
    assert f"flavors: no answer within {CALL:.0f} s" in said and "nothing was changed" in said
    assert not any(everything(site.member).values())


def test_a_server_that_does_not_start_is_made_anew(sites: MakeSite) -> None:
    site = sites("boot", environment())
    set_faults(site.cloud.state, [Fault(kind="boot", name="boot-cpu-0", times=1)])
    said = site.terp("up", "--no-hosts", code=1).stderr
    assert "cpu-0" in said
    (broken,) = [each for each in site.member.compute.servers() if each.status == "ERROR"]
    site.up()
    assert broken.id not in {each.id for each in site.member.compute.servers()}
    assert_whole(site)
    site.destroy()


def test_rules_that_neutron_gives_to_a_group_go_although_that_failed_once(sites: MakeSite) -> None:
    site = sites("rules", environment())
    refused = Fault(service="neutron", method="DELETE", path="/security-group-rules/", status=503, times=1)
    set_faults(site.cloud.state, [refused])
    until_it_is_up(site)
    assert_whole(site)
    site.destroy()


def test_a_destroy_that_fails_in_the_middle_is_gone_on_with(sites: MakeSite) -> None:
    site = sites("destroyed", environment())
    site.up()
    rules = [
        Fault(service="neutron", method="DELETE", path="/networks/", status=503, times=1),
        Fault(service="nova", method="DELETE", path="/servers/", drop=True, lost=True, nth=1),
    ]
    set_faults(site.cloud.state, rules)
    site.destroy()
    assert not any(everything(site.member).values())
