"""An environment that changes: what is touched is what its file changed, and nothing else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.openstack.conftest import MakeSite
from tests.integration.openstack.samples import small
from tests.integration.openstack.site import IMAGE, Site

pytestmark = [pytest.mark.tools, pytest.mark.cloud, pytest.mark.timeout(900)]

Change = Callable[[dict[str, Any]], object]


def environment() -> dict[str, Any]:
    """A control plane of one with a volume for etcd, and the pools `alpha` and `omega`."""
    wanted = small(alpha=1, omega=2)
    wanted["nodes"]["control_plane"]["etcd_volume"] = {"size": 4}
    return wanted


@pytest.fixture(scope="module")
def one_site(sites: MakeSite) -> Site:
    return sites("changing", environment())


@pytest.fixture
def site(one_site: Site) -> Site:
    """The environment as `environment` says, whatever a test before has made of it."""
    one_site.write(environment())
    one_site.up()
    return one_site


def changed(site: Site, change: Change) -> None:
    """Change the file, and bring the cloud there."""
    wanted = copy.deepcopy(environment())
    change(wanted["nodes"])
    site.write(wanted)
    site.up()


def servers(site: Site) -> dict[str, str]:
    """Id by name."""
    return {name: server["id"] for name, server in site.things()["servers"].items()}


def addresses(site: Site) -> dict[str, tuple[str, str]]:
    """Id and address of each port."""
    return {
        name: (port["id"], port["fixed_ips"][0]["ip_address"])
        for name, port in site.things()["ports"].items()
    }


def test_a_pool_grows_and_shrinks_at_its_end(site: Site) -> None:
    before, ports = servers(site), addresses(site)
    changed(site, lambda nodes: nodes["pools"]["omega"].update(count=4))
    grown = servers(site)
    assert set(grown) - set(before) == {"omega-2", "omega-3"}
    assert before.items() <= grown.items()
    changed(site, lambda nodes: nodes["pools"]["omega"].update(count=1))
    shrunk = servers(site)
    assert set(shrunk) == set(before) - {"omega-1"}
    assert shrunk.items() <= before.items()
    assert addresses(site).items() <= ports.items()


def test_a_pool_in_the_middle_of_the_alphabet_touches_no_other(site: Site) -> None:
    before, ports = servers(site), addresses(site)
    changed(site, lambda nodes: nodes["pools"].update(middle={"count": 1, "flavor": "m1.small"}))
    after = servers(site)
    assert set(after) - set(before) == {"middle-0"}
    assert before.items() <= after.items()
    assert ports.items() <= addresses(site).items()


def test_the_order_of_the_file_means_nothing(site: Site) -> None:
    wanted = environment()
    pools = wanted["nodes"]["pools"]
    wanted["nodes"]["pools"] = dict(reversed(pools.items()))
    site.write(dict(reversed(wanted.items())))
    with site.frozen():
        assert site.up()["steps"] == []


def test_another_flavor_of_one_node_resizes_it_alone(site: Site) -> None:
    before = servers(site)
    override = {"overrides": {1: {"flavor": "m1.medium"}}}
    changed(site, lambda nodes: nodes["pools"]["omega"].update(override))
    after = site.things()["servers"]
    assert servers(site).keys() == before.keys()
    others = {name: server["id"] for name, server in after.items() if name != "omega-1"}
    assert others.items() <= before.items()
    flavors = {name: server["flavor"]["original_name"] for name, server in after.items()}
    assert flavors.pop("omega-1") == "m1.medium"
    assert set(flavors.values()) == {"m1.small"}
    assert {server["status"] for server in after.values()} == {"ACTIVE"}


def test_a_volume_more_keeps_the_servers(site: Site) -> None:
    before = servers(site)
    volume = {"data": {"size": 1, "mount": "/srv/data"}}
    changed(site, lambda nodes: nodes["pools"]["omega"].update(volumes=volume))
    found = site.things()
    assert servers(site) == before
    attached = {
        name: volume["attachments"][0]["server_id"]
        for name, volume in found["volumes"].items()
        if "data" in name
    }
    assert attached == {"omega-0-data": before["omega-0"], "omega-1-data": before["omega-1"]}


def test_a_newer_image_of_the_same_name_replaces_nothing(site: Site) -> None:
    admin = site.cloud.connect(admin=True)
    newer = admin.image.create_image(
        name=IMAGE,
        visibility="public",
        container_format="bare",
        disk_format="raw",
        os_distro="debian",
        allow_duplicates=True,
        data=b"a newer one",
    )
    try:
        with site.frozen():
            assert site.up()["steps"] == []
            assert site.up("--refresh")["steps"] == []
        before = servers(site)
        changed(site, lambda nodes: nodes["pools"]["alpha"].update(count=2))
        found = site.things()["servers"]
        assert before.items() <= servers(site).items()
        assert found["alpha-1"]["image"]["id"] == newer.id
        assert found["alpha-0"]["image"]["id"] != newer.id
    finally:
        site.write(environment())
        site.up()
        admin.image.delete_image(newer)


@pytest.mark.parametrize("node", ["omega-0", "control-plane-0"])
def test_replacing_a_node_touches_it_alone_and_keeps_its_address_and_data(site: Site, node: str) -> None:
    before, ports = servers(site), addresses(site)
    volumes = {name: volume["id"] for name, volume in site.things()["volumes"].items()}
    (urn,) = [
        each["urn"]
        for each in site.exported()["deployment"]["resources"]
        if each["urn"].endswith(f":Instance::{node}")
    ]
    site.up("--", "--target-replace", urn, "--target-dependents")
    after = servers(site)
    assert {name for name in before if before[name] != after[name]} == {node}
    assert addresses(site) == ports
    found = site.things()
    assert {name: volume["id"] for name, volume in found["volumes"].items()} == volumes
    assert {each["server_id"] for each in found["volumes"]["control-plane-0-etcd"]["attachments"]} == {
        after["control-plane-0"]
    }
    with site.frozen():
        assert site.up("--refresh")["steps"] == []
