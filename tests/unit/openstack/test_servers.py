"""Which servers an environment has: their names, zones and addresses follow from the file alone."""

from ipaddress import IPv4Address
from typing import Any

import pytest

from terp.environment import Environment, read
from terp.environment.stack_file import stack_name
from terp.openstack.servers import Server, server_groups, servers
from terp.paths import PROJECT

VALID = sorted((PROJECT / "tests" / "fixtures" / "valid").glob("*.yaml"))


def environment(**nodes: Any) -> Environment:
    plain = {"image": "debian-12", "control_plane": {"flavor": "m1.large"}}
    return Environment.model_validate({"cloud": {"name": "embedded"}, "nodes": {**plain, **nodes}})


def pool(**more: Any) -> dict[str, Any]:
    return {"count": 3, "flavor": "m1.large", **more}


def by_key(made: Environment) -> dict[str, Server]:
    return {server.key: server for server in servers("prod", made)}


def test_a_name_says_stack_group_and_number() -> None:
    made = servers("prod", environment(pools={"gpu": pool(count=2)}))
    assert [server.name for server in made] == ["prod-control-plane-0", "prod-gpu-0", "prod-gpu-1"]
    assert [server.key for server in made] == ["control-plane-0", "gpu-0", "gpu-1"]


def test_groups_stand_in_one_order_whatever_the_file_s_is() -> None:
    forth = environment(pools={"a": pool(), "b": pool()}, etcd={"flavor": "m1.small"})
    back = environment(pools={"b": pool(), "a": pool()}, etcd={"flavor": "m1.small"})
    assert server_groups("prod", forth) == server_groups("prod", back)
    assert [group.name for group in server_groups("prod", forth)] == ["control-plane", "etcd", "a", "b"]


def test_one_more_node_leaves_the_others_as_they_are() -> None:
    before = by_key(environment(pools={"cpu": pool(zones=["x", "y"], first_address="10.10.0.20")}))
    after = by_key(environment(pools={"cpu": pool(zones=["x", "y"], first_address="10.10.0.20", count=4)}))
    assert after.keys() - before.keys() == {"cpu-3"}
    assert before.items() <= after.items()


def test_zones_go_round_and_addresses_count_on() -> None:
    made = by_key(environment(pools={"cpu": pool(zones=["x", "y"], first_address="10.10.0.20")}))
    assert [made[f"cpu-{number}"].zone for number in range(3)] == ["x", "y", "x"]
    assert [made[f"cpu-{number}"].address for number in range(3)] == [
        IPv4Address("10.10.0.20"),
        IPv4Address("10.10.0.21"),
        IPv4Address("10.10.0.22"),
    ]


def test_an_override_is_one_node_s_alone() -> None:
    own = {1: {"flavor": "m1.xlarge", "image": "other", "zone": "z", "address": "10.10.0.99"}}
    made = by_key(environment(pools={"cpu": pool(overrides=own)}))
    one = made["cpu-1"]
    assert (one.flavor, one.image, one.zone, str(one.address)) == ("m1.xlarge", "other", "z", "10.10.0.99")
    assert {made[name].flavor for name in ("cpu-0", "cpu-2")} == {"m1.large"}


def test_etcd_s_volume_is_where_etcd_runs() -> None:
    here = environment(control_plane={"flavor": "m1.large", "etcd_volume": {"size": 10}})
    assert by_key(here)["control-plane-0"].volumes["etcd"].mount == "/var/lib/etcd"
    apart = environment(etcd={"flavor": "m1.large", "etcd_volume": {"size": 10, "type": "fast"}})
    assert by_key(apart)["control-plane-0"].volumes == {}
    assert by_key(apart)["etcd-2"].volumes["etcd"].type == "fast"


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_names_are_unique_and_host_names(file: Any) -> None:
    made = servers(stack_name(file), read(file))
    names = [server.name for server in made]
    assert len(set(names)) == len(names) > 0
    assert all(len(name) <= 63 and name.replace("-", "").isalnum() for name in names)
