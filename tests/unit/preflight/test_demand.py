"""What an environment takes of the quota."""

from collections import Counter
from typing import Any

import pytest
from tests.unit.preflight.samples import STACK, environment, snapshot

from terp.openstack.types import FLOATING_IP, INSTANCE, PORT, ROUTER_INTERFACE, VOLUME
from terp.preflight.demand import demand, prices
from terp.preflight.snapshot import Port


def total(there: Any = None, **changes: Any) -> Counter[str]:
    whole = Counter[str]()
    for uses in demand(STACK, environment(**changes), prices(there or snapshot())).values():
        whole.update(uses)
    return whole


def more(**changes: Any) -> dict[str, int]:
    """What the change takes more, or less, than the plain environment."""
    before, after = total(), total(**changes)
    return {name: after[name] - before[name] for name in before | after if after[name] != before[name]}


def test_the_whole_of_a_plain_environment():
    assert total() == {
        "instances": 6,  # 3 control plane, 2 workers, 1 bastion
        "cores": 3 * 2 + 2 * 4 + 1,
        "ram": 3 * 4096 + 2 * 8192 + 2048,
        "server_groups": 2,
        "key_pairs": 1,
        "networks": 1,
        "subnets": 1,
        "routers": 1,
        "ports": 7,  # one a server, and the router's
        "security_groups": 3,
        "security_group_rules": 9,
        "floating_ips": 1,
        "volumes": 3,
        "gigabytes": 60,
        "volumes_fast": 3,
        "gigabytes_fast": 60,
    }


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"access__ssh": {"keypair": "ops"}}, {"key_pairs": -1}),
        (
            {"network__existing": {"network": "corporate", "subnet": "corporate-v4"}},
            {"networks": -1, "subnets": -1, "routers": -1, "ports": -1},
        ),
        ({"network__router": "edge"}, {"routers": -1}),
        ({"network__nodes_ipv6": "fd00:10:10::/64"}, {"subnets": 1, "ports": 1}),
        (
            {"network__additional": {"storage": {"cidr": "10.11.0.0/24"}}},
            {"networks": 1, "subnets": 1},
        ),
        (
            {"access__api": {"endpoint": "load-balancer", "floating_ip": "new"}},
            {
                "load_balancers": 1,
                "listeners": 1,
                "pools": 1,
                "health_monitors": 1,
                "members": 3,
                "ports": 1,
                "floating_ips": 1,
            },
        ),
        (
            {"access__api": {"endpoint": "load-balancer", "provider": "ovn"}},
            {
                "load_balancers": 1,
                "listeners": 1,
                "pools": 1,
                "health_monitors": 1,
                "members": 3,
                "ports": 2,
            },
        ),
        ({"access__api": {"endpoint": "virtual-ip"}}, {"ports": 1}),
        ({"access__api": {"floating_ip": "198.51.100.140"}}, {}),
        ({"access__bastion": {"flavor": "m1.small", "floating_ip": "none"}}, {"floating_ips": -1}),
    ],
)
def test_what_a_key_adds(changes: dict[str, Any], difference: dict[str, int]):
    assert more(**changes) == difference


def test_a_pool_with_everything():
    pool = {
        "flavor": "m1.large",
        "count": 3,
        "affinity": "none",
        "floating_ip": "new",
        "networks": ["storage"],
        "root_volume": {"size": 40},
        "volumes": {"data": {"size": 100, "type": "fast", "mount": "/var/lib/data"}},
    }
    additional = {"storage": {"cidr": "10.11.0.0/24"}}
    before = total(network__additional=additional)
    after = total(
        network__additional=additional, nodes__pools={"cpu": {"flavor": "m1.large", "count": 2}, "gpu": pool}
    )
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "instances": 3,
        "cores": 12,
        "ram": 3 * 8192,
        "ports": 6,
        "floating_ips": 3,
        "volumes": 6,
        "gigabytes": 420,
        "volumes_standard": 3,  # the cloud's default type
        "gigabytes_standard": 120,
        "volumes_fast": 3,
        "gigabytes_fast": 300,
    }


def test_an_empty_pool_takes_nothing():
    pools = {"cpu": {"flavor": "m1.large", "count": 2}, "gpu": {"flavor": "m1.large", "count": 0}}
    assert more(nodes__pools=pools) == {}


def test_etcd_on_nodes_of_its_own():
    etcd = {"flavor": "m1.small", "count": 3, "etcd_volume": {"size": 10, "type": "fast"}}
    difference = more(nodes__etcd=etcd)
    assert difference["instances"] == 3
    assert difference["gigabytes"] == 3 * 10 - 3 * 20  # the control plane has no etcd then


def test_dhcp_takes_ports_where_the_projects_networks_show_it():
    agents = tuple(Port(id=f"d{n}", name="", network_id="n2", owner="network:dhcp") for n in range(2))
    with_agents = total(snapshot(ports=agents), network__additional={"storage": {"cidr": "10.11.0.0/24"}})
    without = total(snapshot(ports=()), network__additional={"storage": {"cidr": "10.11.0.0/24"}})
    assert with_agents["ports"] - without["ports"] == 4


def test_things_have_the_names_that_pulumi_knows_them_by():
    things = demand(STACK, environment(), prices(snapshot())).keys()
    assert {(INSTANCE, "cpu-0"), (INSTANCE, "bastion"), (PORT, "control-plane-2")} <= things
    assert {(VOLUME, "control-plane-0-etcd"), (FLOATING_IP, "bastion"), (ROUTER_INTERFACE, "nodes")} <= things
