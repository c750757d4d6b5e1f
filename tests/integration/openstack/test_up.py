"""Environments of 3 and 8 nodes: exactly what their files say stands on the cloud, and stays as it is."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from terp.cloud.process import wait_for
from terp.preflight.catalogue import needed
from terp.preflight.demand import demand, prices
from terp.preflight.reading import read
from terp.preflight.recorded import recorded
from tests.integration.openstack.conftest import MakeSite
from tests.integration.openstack.samples import eight_nodes, three_nodes
from tests.integration.openstack.site import Site

pytestmark = [pytest.mark.tools, pytest.mark.cloud, pytest.mark.timeout(900)]

PODS = ["10.233.64.0/18", "10.233.0.0/18"]
PODS_IPV6 = ["fd85:ee78:d8a6:8607::1:0/112", "fd85:ee78:d8a6:8607::1000/116"]
TAGS = ["terp:owner=tests", "terp:role={}", "terp:stack={}"]


@pytest.fixture(scope="module")
def both(sites: MakeSite) -> tuple[Site, Site]:
    """Both environments, raised beside each other."""
    pair = sites("three", three_nodes()), sites("eight", eight_nodes())
    with ThreadPoolExecutor(2) as at_once:
        raised = []
        for site in pair:
            raised.append(at_once.submit(site.up))
            wait_for("terp to have done with the cloud itself", site.root.exists, 60, 0.2)
        for each in raised:
            each.result()
    return pair


@pytest.fixture(scope="module")
def three(both: tuple[Site, Site]) -> Site:
    """Three nodes and a bastion."""
    return both[0]


@pytest.fixture(scope="module")
def eight(both: tuple[Site, Site]) -> Site:
    """Eight nodes and a bastion."""
    return both[1]


@pytest.fixture(params=["three", "eight"])
def site(request: pytest.FixtureRequest, both: tuple[Site, Site]) -> Iterator[Site]:
    """Each of them."""
    yield both[["three", "eight"].index(request.param)]


def names(site: Site) -> dict[str, set[str]]:
    return {kind: set(found) for kind, found in site.things().items() if found}


def nodes(role: str, count: int) -> set[str]:
    return {f"{role}-{number}" for number in range(count)}


def test_three_nodes_are_what_stands_on_the_cloud(three: Site) -> None:
    found = names(three)
    assert found.pop("rules") == {
        "node: ingress IPv4 from node",
        "node: ingress IPv6 from node",
        "node: ingress IPv4 tcp 22-22 from bastion",
        "node: egress IPv4 to 0.0.0.0/0",
        "node: egress IPv6 to ::/0",
        "control-plane: ingress IPv4 tcp 6443-6443 from 10.98.0.0/16",
        "worker: ingress IPv4 tcp 30000-32767 from 10.97.0.0/16",
        "worker: ingress IPv4 udp 30000-32767 from 10.97.0.0/16",
        "bastion: ingress IPv4 tcp 22-22 from 10.99.0.0/16",
        "bastion: egress IPv4 to 0.0.0.0/0",
        "bastion: egress IPv6 to ::/0",
    }
    assert len(found.pop("floating_ips")) == 2
    servers = {"control-plane-0", "bastion"} | nodes("cpu", 2)
    assert found == {
        "servers": servers,
        "ports": servers,
        "server_groups": {"cpu"},
        "keypairs": {""},
        "networks": {"nodes"},
        "subnets": {"nodes"},
        "routers": {"edge"},
        "interfaces": {"10.40.0.1"},
        "security_groups": {"node", "control-plane", "worker", "bastion"},
    }


def test_eight_nodes_are_what_stands_on_the_cloud(eight: Site) -> None:
    found = names(eight)
    assert found.pop("rules") == {
        "node: ingress IPv4 from node",
        "node: ingress IPv6 from node",
        "node: ingress IPv4 tcp 22-22 from bastion",
        "node: egress IPv4 to 0.0.0.0/0",
        "node: egress IPv6 to ::/0",
        "control-plane: ingress IPv4 tcp 6443-6443 from 10.41.0.0/24",
        "gpu: ingress IPv4 tcp 9400-9400 from 10.96.0.0/16",
        "bastion: ingress IPv4 tcp 22-22 from 10.99.0.0/16",
        "bastion: ingress IPv6 tcp 22-22 from 2001:db8:1::/48",
        "bastion: egress IPv4 to 0.0.0.0/0",
        "bastion: egress IPv6 to ::/0",
    }
    assert len(found.pop("floating_ips")) == 2
    assert len(found.pop("vips")) == 1
    servers = {"bastion"} | nodes("control-plane", 3) | nodes("cpu", 3) | nodes("gpu", 2)
    assert found == {
        "servers": servers,
        "ports": servers | {"gpu-0-storage", "gpu-1-storage"},
        "volumes": {f"control-plane-{number}-etcd" for number in range(3)}
        | {f"gpu-{number}-scratch" for number in range(2)},
        "server_groups": {"control-plane", "cpu", "gpu"},
        "keypairs": {""},
        "networks": {"nodes", "storage"},
        "subnets": {"nodes", "nodes-ipv6", "storage"},
        "routers": {"edge"},
        "interfaces": {"10.41.0.1", "fd00:10:41::"},  # Neutron's first address for SLAAC
        "security_groups": {"node", "control-plane", "gpu", "bastion"},
        "load_balancers": {"api"},
        "listeners": {"api"},
        "pools": {"api"},
        "monitors": {"api"},
    }


def role_of(name: str) -> str:
    """Of a server or a part of it, by its name."""
    group = name.rpartition("-")[0] if name[-1].isdigit() else name
    return group if group in ("control-plane", "bastion") else "worker"


def test_servers_say_whose_they_are_and_boot_as_asked(eight: Site) -> None:
    for name, server in eight.things()["servers"].items():
        role = role_of(name)
        assert server["status"] == "ACTIVE"
        assert server["metadata"] == {"terp_owner": "tests", "terp_role": role, "terp_stack": "eight"}
        assert server["key_name"] == "eight"
        assert server["has_config_drive"]
        flavor = {"bastion": "m1.tiny", "gpu": "g1.xlarge"}.get(name.split("-")[0], "m1.small")
        assert server["flavor"]["original_name"] == flavor
    zones = [eight.things()["servers"][f"control-plane-{n}"]["availability_zone"] for n in range(3)]
    assert zones == ["zone-a", "zone-b", "zone-a"]


def test_ports_have_their_addresses_groups_and_pairs(eight: Site) -> None:
    found = eight.things()
    groups = {each["id"]: name for name, each in found["security_groups"].items()}
    for name, port in found["ports"].items():
        addresses = [ip_address(fixed["ip_address"]) for fixed in port["fixed_ips"]]
        mine = sorted(groups[each] for each in port["security_group_ids"])
        pairs = {pair["ip_address"] for pair in port["allowed_address_pairs"]}
        if name.endswith("-storage"):
            assert not port["is_port_security_enabled"] and mine == [] and pairs == set()
            assert [address in ip_network("10.42.0.0/24") for address in addresses] == [True]
            continue
        role = role_of(name)
        expected = {"bastion": ["bastion"], "control-plane": ["control-plane", "node"]}
        assert mine == expected.get(role, ["gpu", "node"] if name.startswith("gpu") else ["node"])
        assert pairs == (set() if role == "bastion" else {*PODS, *PODS_IPV6})
        assert sorted(address.version for address in addresses) == [4, 6]
        assert sorted(port["tags"]) == [
            tag.format(value) for tag, value in zip(TAGS, ("", role, "eight"), strict=True)
        ]
        if role == "control-plane":
            assert f"10.41.0.1{name[-1]}" in map(str, addresses)


def test_every_thing_of_neutron_carries_the_stack(site: Site) -> None:
    found = site.things()
    for kind in ("networks", "subnets", "routers", "security_groups", "ports", "rules", "floating_ips"):
        for name, thing in found[kind].items():
            assert thing["description"] == f"terp:stack={site.stack}", (kind, name)
            if kind != "rules":
                assert f"terp:stack={site.stack}" in thing["tags"], (kind, name)


def test_volumes_are_attached_to_their_servers(eight: Site) -> None:
    found = eight.things()
    servers = {each["id"]: name for name, each in found["servers"].items()}
    for name, volume in found["volumes"].items():
        etcd = name.endswith("-etcd")
        assert volume["status"] == "in-use"
        assert [servers[each["server_id"]] for each in volume["attachments"]] == [name.rpartition("-")[0]]
        assert volume["size"] == (4 if etcd else 3)
        assert not etcd or volume["volume_type"] == "fast"
        assert volume["metadata"]["terp_stack"] == "eight"
        assert volume["description"] == "terp:stack=eight"


def test_server_groups_hold_their_servers(eight: Site) -> None:
    found = eight.things()
    servers = {each["id"]: name for name, each in found["servers"].items()}
    members = {
        name: sorted(servers[each] for each in group["member_ids"])
        for name, group in found["server_groups"].items()
    }
    assert members == {
        "control-plane": sorted(nodes("control-plane", 3)),
        "cpu": sorted(nodes("cpu", 3)),
        "gpu": sorted(nodes("gpu", 2)),
    }
    assert found["server_groups"]["control-plane"]["policy"] == "anti-affinity"
    assert found["server_groups"]["cpu"]["policy"] == "soft-anti-affinity"


def test_the_load_balancer_leads_to_every_control_plane_node(eight: Site) -> None:
    found = eight.things()
    pool, listener = found["pools"]["api"], found["listeners"]["api"]
    assert (listener["protocol"], listener["protocol_port"]) == ("TCP", 6443)
    assert sorted(listener["allowed_cidrs"]) == ["10.41.0.0/24", "10.98.0.0/16"]
    members = list(eight.member.load_balancer.members(pool["id"]))
    reached = sorted((member.address, member.protocol_port) for member in members)
    assert reached == [(f"10.41.0.{number}", 6443) for number in (10, 11, 12)]
    (vip,) = found["vips"].values()
    behind = [address["port_id"] for address in found["floating_ips"].values()]
    assert vip["id"] in behind and found["ports"]["bastion"]["id"] in behind


def test_the_hosts_that_are_told_are_those_of_the_cloud(site: Site) -> None:
    told = {each["name"].removeprefix(f"{site.stack}-"): each for each in json.loads(outputs(site))["hosts"]}
    found = site.things()
    assert {name: host["server_id"] for name, host in told.items()} == {
        name: server["id"] for name, server in found["servers"].items()
    }
    for name, host in told.items():
        fixed = [each["ip_address"] for each in found["ports"][name]["fixed_ips"]]
        assert {host["address"], host["address_ipv6"]} - {None} == set(fixed)
        assert host["role"] == role_of(name)
        assert host["host_key"].startswith("ssh-ed25519 ")


def outputs(site: Site) -> str:
    return site.pulumi("stack", "output", "--json").stdout


def test_preflight_asks_for_what_stands_on_the_cloud(site: Site) -> None:
    environment, found, member = site.environment, site.things(), site.member
    snapshot = read(member, needed(environment), 60)
    cost = prices(snapshot)
    wanted = demand(site.stack, environment, cost)
    assert wanted == recorded(site.exported(), cost)
    total: dict[str, int] = {}
    for uses in wanted.values():
        for name, number in uses.items():
            total[name] = total.get(name, 0) + number
    assert total == counted(site, found, member)


def counted(site: Site, found: dict[str, Any], member: Any) -> dict[str, int]:
    """What the API lists, by quota."""
    networks = {each["id"] for each in found["networks"].values()}
    flavors = [server["flavor"] for server in found["servers"].values()]
    root = [
        member.block_storage.get_volume(each["id"])
        for server in found["servers"].values()
        for each in server["attached_volumes"]
    ]
    volumes = {each.id: each for each in root}
    assert {each["id"] for each in found["volumes"].values()} <= set(volumes)
    count = {
        "instances": len(flavors),
        "cores": sum(flavor["vcpus"] for flavor in flavors),
        "ram": sum(flavor["ram"] for flavor in flavors),
        "server_groups": len(found["server_groups"]),
        "key_pairs": len(found["keypairs"]),
        "networks": len(networks),
        "subnets": len(found["subnets"]),
        "routers": len(found["routers"]),
        "ports": sum(port.network_id in networks for port in member.network.ports()),
        "security_groups": len(found["security_groups"]),
        "security_group_rules": len(found["rules"]),
        "floating_ips": len(found["floating_ips"]),
        "volumes": len(volumes),
        "gigabytes": sum(each.size for each in volumes.values()),
        "load_balancers": len(found["load_balancers"]),
        "listeners": len(found["listeners"]),
        "pools": len(found["pools"]),
        "health_monitors": len(found["monitors"]),
        "members": sum(
            len(list(member.load_balancer.members(each["id"]))) for each in found["pools"].values()
        ),
    }
    for volume in volumes.values():
        for what, number in (("volumes", 1), ("gigabytes", volume.size)):
            name = f"{what}_{volume.volume_type}"
            count[name] = count.get(name, 0) + number
    return {name: number for name, number in count.items() if number}


def test_a_second_up_changes_nothing(site: Site) -> None:
    with site.frozen():
        done = site.up()
    assert done["steps"] == []


def test_the_cloud_is_as_the_state_says(site: Site) -> None:
    with site.frozen():
        done = site.up("--refresh")
        planned = site.terp("plan", "--refresh", "--detailed-exitcode")
    assert done["steps"] == []
    assert "would be" not in planned.stdout


def test_plain_pulumi_finds_nothing_to_do(site: Site) -> None:
    with site.frozen():
        site.pulumi("preview", "--expect-no-changes")
        site.pulumi("preview", "--expect-no-changes", "--refresh")
        site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
        site.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")


def test_secrets_stay_secret(site: Site) -> None:
    state = site.cloud.state.root.parent
    key = (site.root / "private_key").read_text()
    assert key.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    body = key.splitlines()[1]
    for place in (site.root, state / "pulumi"):
        for file in place.rglob("*"):
            if file.is_file() and not file.is_symlink() and file != site.root / "private_key":
                assert body not in file.read_text(errors="replace"), file
    shown = site.terp("plan").stdout + outputs(site)
    assert body not in shown


def test_files_are_private(site: Site) -> None:
    state = site.cloud.state.root.parent
    for folder in (site.root, state / "pulumi"):
        assert folder.stat().st_mode & 0o777 == 0o700
    for file in (site.root / "private_key", site.root / "known_hosts", state / "passphrase"):
        assert file.stat().st_mode & 0o777 == 0o600


def test_ssh_is_told_every_host(three: Site) -> None:
    config = three.root / "ssh_config"
    told = three.shell(f"ssh -G -F {config} three-cpu-1").stdout.splitlines()
    found = three.things()["ports"]["cpu-1"]["fixed_ips"][0]["ip_address"]
    assert f"hostname {found}" in told
    assert "proxyjump three-bastion" in told
    assert "stricthostkeychecking true" in told
    known = (three.root / "known_hosts").read_text()
    assert f"three-cpu-1,{found} ssh-ed25519 " in known
