"""What is said of networks, routers, security groups and floating IPs that are there."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from tests.unit.preflight.samples import STACK, environment, said, snapshot

from terp.preflight.networks import check
from terp.preflight.snapshot import FloatingIp, Marked, Port, Router, Subnet

EXISTING = {"network": "corporate", "subnet": "corporate-v4"}


def findings(there: Any = None, **changes: Any):
    return said(check(STACK, environment(**changes), there or snapshot()))


def changed_subnet(**changes: Any):
    [subnet] = snapshot().subnets or ()
    return snapshot(subnets=(subnet.model_copy(update=changes),))


def changed_network(**changes: Any):
    public, corporate = snapshot().networks or ()
    return snapshot(networks=(public, corporate.model_copy(update=changes)))


def test_a_network_of_its_own_is_right():
    assert findings() == []


def test_an_existing_network_that_fits_is_right():
    assert findings(network__existing=EXISTING) == []
    assert findings(network__existing={"network": "n2", "subnet": "s1"}) == []


def test_an_external_network_that_is_not_there():
    assert findings(cloud__external_network="publik") == [
        ("error", "cloud.external_network", "the network 'publik' does not exist", 'did you mean "public"?')
    ]


def test_an_external_network_must_be_external():
    assert findings(cloud__external_network="corporate")[0][2] == (
        "the network 'corporate' is no external network (router:external)"
    )


def test_two_external_networks_of_one_name():
    public, corporate = snapshot().networks or ()
    there = snapshot(networks=(public, public.model_copy(update={"id": "n9"}), corporate))
    assert findings(there)[0][2] == "2 networks are called 'public'"


def test_floating_ips_need_free_addresses():
    full = snapshot(free_addresses={"n1": 0})
    assert findings(full)[0][2] == "the network 'public' has 0 free addresses; 1 are needed"
    assert findings(snapshot(free_addresses={"n1": 1})) == []
    assert findings(snapshot(free_addresses={})) == []
    assert findings(full, access__bastion={"flavor": "m1.small", "floating_ip": "none"}) == []


def test_floating_ips_that_the_stack_has_need_no_more_addresses():
    own = FloatingIp(address=IPv4Address("198.51.100.150"), network_id="n1", port_id="x", stack=STACK)
    assert findings(snapshot(free_addresses={"n1": 0}, floating_ips=(own,))) == []


@pytest.mark.parametrize(
    ("existing", "key", "message"),
    [
        ({**EXISTING, "network": "corporat"}, "network.existing.network", "there is no network 'corporat'"),
        (
            {**EXISTING, "subnet": "corporate"},
            "network.existing.subnet",
            "there is no subnet of that network 'corporate'",
        ),
    ],
)
def test_an_existing_network_that_is_not_there(existing: dict[str, str], key: str, message: str):
    assert [each[1:3] for each in findings(network__existing=existing)] == [(key, message)]


def test_two_networks_of_one_name_are_told_apart_by_id():
    public, corporate = snapshot().networks or ()
    there = snapshot(networks=(public, corporate, corporate.model_copy(update={"id": "n3"})))
    assert findings(there, network__existing=EXISTING)[0][1:] == (
        "network.existing.network",
        "2 of them are called 'corporate'",
        "take the id: n2, n3",
    )
    assert findings(there, network__existing={**EXISTING, "network": "n2"}) == []


def test_the_nodes_range_is_that_of_the_existing_subnet():
    there = changed_subnet(cidr=IPv4Network("10.20.0.0/22"))
    assert findings(there, network__existing=EXISTING) == [
        (
            "error",
            "network.nodes",
            "10.10.0.0/22; the subnet 'corporate-v4' is 10.20.0.0/22",
            "write 10.20.0.0/22",
        )
    ]


def test_an_existing_subnet_without_gateway_or_dhcp():
    there = changed_subnet(gateway=None, dhcp=False)
    assert [each[:3] for each in findings(there, network__existing=EXISTING)] == [
        (
            "error",
            "network.existing.subnet",
            "the subnet 'corporate-v4' has no gateway: nodes would reach nothing",
        ),
        ("warning", "network.existing.subnet", "the subnet 'corporate-v4' has no DHCP"),
    ]


def test_an_existing_subnet_that_no_router_joins_with_the_floating_ips():
    assert findings(snapshot(ports=()), network__existing=EXISTING)[0][2] == (
        "no router joins the subnet 'corporate-v4' with 'public': floating IPs would not reach it"
    )
    elsewhere = snapshot(routers=(Router(id="r1", name="edge", external_network_id="n9"),))
    assert len(findings(elsewhere, network__existing=EXISTING)) == 1
    without = {
        "network__existing": EXISTING,
        "access__bastion": {"flavor": "m1.small", "floating_ip": "none"},
    }
    assert findings(snapshot(ports=()), **without) == []


def test_an_existing_network_with_a_small_mtu():
    there = changed_network(mtu=1300)
    assert findings(there, network__existing=EXISTING)[0][:3] == (
        "warning",
        "network.existing.network",
        "corporate has an MTU of 1300; pods inside a VXLAN keep 1250",
    )


def test_an_existing_network_without_port_security():
    there = changed_network(port_security=False)
    assert findings(there, network__existing=EXISTING)[0][:2] == ("error", "network.existing.network")


def test_port_security_is_as_the_existing_network_has_it():
    off = {"network__existing": EXISTING, "network__port_security": False}
    assert findings(changed_network(port_security=False), **off) == []
    assert findings(**off)[0][1:] == (
        "network.existing.network",
        "corporate has port security: nodes without security groups would be shut off",
        "leave out network.port_security",
    )


def test_an_additional_network_that_is_there():
    storage = {"storage": {"cidr": "10.11.0.0/24", "existing": EXISTING}}
    assert [each[1:3] for each in findings(network__additional=storage)] == [
        ("network.additional.storage.cidr", "10.11.0.0/24; the subnet 'corporate-v4' is 10.10.0.0/22")
    ]


def test_a_router_that_is_there():
    assert findings(network__router="edge", network__nodes="10.30.0.0/22") == []
    assert findings(network__router="egde")[0][1:] == (
        "network.router",
        "there is no router 'egde'",
        'did you mean "edge"?',
    )


def test_a_router_must_lead_to_the_external_network():
    nowhere = snapshot(routers=(Router(id="r1", name="edge"),), ports=())
    assert findings(nowhere, network__router="edge")[0][2] == (
        "the router 'edge' has no external gateway: nodes would reach nothing"
    )
    elsewhere = snapshot(routers=(Router(id="r1", name="edge", external_network_id="n9"),), ports=())
    assert findings(elsewhere, network__router="edge")[0][2] == "the router 'edge' does not lead to 'public'"


def test_a_router_joins_no_two_subnets_of_one_range_except_the_stacks_own():
    [(_, key, message, _)] = findings(network__router="edge")
    assert key == "network.nodes"
    assert message == (
        "10.10.0.0/22 overlaps 10.10.0.0/22, which the router has already (subnet corporate-v4)"
    )
    assert findings(changed_subnet(stack=STACK), network__router="edge") == []


def test_existing_security_groups():
    pool = {"flavor": "m1.large", "count": 1, "security_groups": ["monitoring", "g1", "monitor"]}
    assert findings(nodes__pools={"cpu": pool}) == [
        (
            "error",
            "nodes.pools.cpu.security_groups[2]",
            "there is no security group 'monitor'",
            'did you mean "monitoring"?',
        )
    ]


def test_two_security_groups_of_one_name():
    there = snapshot(security_groups=(Marked(id="g1", name="a"), Marked(id="g2", name="a")))
    pool = {"flavor": "m1.large", "count": 1, "security_groups": ["a"]}
    assert findings(there, nodes__pools={"cpu": pool})[0][3] == "take the id: g1, g2"


def test_a_reserved_floating_ip_must_be_the_projects():
    assert findings(access__api={"floating_ip": "198.51.100.140"}) == []
    assert findings(access__api={"floating_ip": "198.51.100.141"}) == [
        (
            "error",
            "access.api.floating_ip",
            "the project has no floating IP 198.51.100.141",
            "free ones: 198.51.100.140",
        )
    ]


def test_a_reserved_floating_ip_that_is_in_use():
    address = IPv4Address("198.51.100.140")
    there = snapshot(floating_ips=(FloatingIp(address=address, network_id="n1", port_id="x"),))
    bastion = {"access__bastion": {"flavor": "m1.small", "floating_ip": str(address)}}
    assert findings(there, **bastion)[0][1:3] == (
        "access.bastion.floating_ip",
        "198.51.100.140 is in use by port x",
    )
    ours = there.model_copy(update={"ports": (Port(id="x", name="b", network_id="n", stack=STACK),)})
    assert findings(ours, **bastion) == []


def test_a_reserved_floating_ip_of_another_network():
    there = snapshot(floating_ips=(FloatingIp(address=IPv4Address("198.51.100.140"), network_id="n7"),))
    pool = {"flavor": "m1.large", "count": 1, "overrides": {0: {"floating_ip": "198.51.100.140"}}}
    assert findings(there, nodes__pools={"cpu": pool})[0][1:3] == (
        "nodes.pools.cpu.overrides[0].floating_ip",
        "198.51.100.140 is not in 'public'",
    )


def test_what_could_not_be_read_is_not_judged():
    unread = dict.fromkeys(("networks", "subnets", "routers", "ports", "security_groups", "floating_ips"))
    wanted = {"network__router": "none", "access__api": {"floating_ip": "198.51.100.141"}}
    assert findings(snapshot(**unread), **wanted) == []


def test_a_subnet_of_ipv6_is_held_against_its_own_key():
    subnet = Subnet(id="s6", name="corporate-v6", network_id="n2", cidr="fd00:1::/64")
    there = snapshot(subnets=(*(snapshot().subnets or ()), subnet))
    wanted = {
        "network__existing": {**EXISTING, "subnet_ipv6": "corporate-v6"},
        "network__nodes_ipv6": "fd00:2::/64",
    }
    assert [each[1] for each in findings(there, **wanted)] == ["network.nodes_ipv6"]


def test_ranges_of_other_subnets_of_the_project_are_a_warning():
    mine = Subnet(id="s7", name="lab", network_id="n7", cidr=IPv4Network("10.10.2.0/24"))
    pods = Subnet(id="s8", name="", network_id="n7", cidr=IPv4Network("10.233.64.0/24"), stack="other")
    there = snapshot(subnets=(*(snapshot().subnets or ()), mine, pods))
    said = "overlaps subnets of the project, which nodes can then never reach"
    assert findings(there) == [
        (
            "warning",
            "network.nodes",
            f"10.10.0.0/22 {said}: lab (10.10.2.0/24)",
            "free and large enough: 10.128.0.0/22",
        ),
        (
            "warning",
            "network.kubernetes.pods",
            f"10.233.64.0/18 {said}: s8 (10.233.64.0/24)",
            "free and large enough: 10.128.64.0/18",
        ),
    ]
    ours = [each.model_copy(update={"stack": STACK}) for each in (mine, pods)]
    assert findings(snapshot(subnets=tuple(ours))) == []


def test_services_may_not_overlap_what_the_router_of_an_existing_network_joins():
    beside = Subnet(id="s7", name="lab", network_id="n7", cidr=IPv4Network("10.233.0.0/24"), mine=False)
    port = Port(
        id="p7",
        name="",
        network_id="n7",
        owner="network:router_interface",
        device_id="r1",
        subnet_ids=("s7",),
    )
    there = snapshot(subnets=(*(snapshot().subnets or ()), beside), ports=(*(snapshot().ports or ()), port))
    assert [each[:3] for each in findings(there, network__existing=EXISTING)] == [
        (
            "error",
            "network.kubernetes.services",
            "10.233.0.0/18 overlaps 10.233.0.0/24, which the router has already (subnet lab)",
        )
    ]
    assert findings(there) == []
