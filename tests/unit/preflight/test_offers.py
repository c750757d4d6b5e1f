"""What is said of flavors, images, zones, volume types and key pairs."""

from typing import Any

import pytest
from tests.unit.preflight.samples import STACK, environment, said, snapshot

from terp.preflight.offers import check
from terp.preflight.snapshot import Flavor, Image, Marked, Zone


def findings(there: Any = None, **changes: Any):
    return said(check(STACK, environment(**changes), there or snapshot()))


def images(*images: Image):
    return snapshot(images=images)


def test_what_the_cloud_has_is_right():
    assert findings() == []


def test_a_flavor_that_is_not_there_has_a_near_one():
    assert findings(nodes__pools={"cpu": {"flavor": "m1.larg", "count": 1}}) == [
        ("error", "nodes.pools.cpu.flavor", "the flavor 'm1.larg' does not exist", 'did you mean "m1.large"?')
    ]


def test_a_flavor_by_id_is_told_by_its_name():
    assert findings(access__bastion={"flavor": "f1"}) == [
        (
            "error",
            "access.bastion.flavor",
            "this is the id of a flavor, not its name",
            'its name is "m1.small"',
        )
    ]


def test_a_disabled_flavor_is_not_offered():
    there = snapshot(
        flavors=(
            *(snapshot().flavors or ()),
            Flavor(id="f9", name="old", vcpus=1, ram=2048, disk=20, disabled=True),
        )
    )
    assert findings(there, access__bastion={"flavor": "old"})[0][2] == "the flavor 'old' is disabled"


def test_a_flavor_of_a_single_node_stands_at_its_override():
    pool = {"flavor": "m1.large", "count": 2, "overrides": {1: {"flavor": "m2.large"}}}
    assert [each[1] for each in findings(nodes__pools={"cpu": pool})] == [
        "nodes.pools.cpu.overrides[1].flavor"
    ]


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        (
            {"nodes__control_plane": {"flavor": "m1.tiny"}},
            "nodes.control_plane.flavor",
            "m1.tiny has 512 MiB of RAM; a control-plane node needs 1500",
        ),
        (
            {"nodes__pools": {"cpu": {"flavor": "m1.tiny", "count": 3}}},
            "nodes.pools.cpu.flavor",
            "m1.tiny has 512 MiB of RAM; a worker node needs 1024",
        ),
        (
            {
                "nodes__pools": {
                    "cpu": {"flavor": "m1.large", "count": 3, "overrides": {1: {"flavor": "m1.tiny"}}}
                }
            },
            "nodes.pools.cpu.overrides[1].flavor",
            "m1.tiny has 512 MiB of RAM; a worker node needs 1024",
        ),
    ],
)
def test_kubespray_wants_some_ram(changes: dict[str, Any], key: str, message: str):
    assert [each[1:3] for each in findings(**changes)] == [(key, message)]


def test_a_bastion_may_be_small():
    assert findings(access__bastion={"flavor": "m1.tiny"}) == []


def test_a_flavor_without_a_disk_wants_a_root_volume():
    diskless = {"flavor": "d0.large", "count": 2}
    assert findings(nodes__pools={"cpu": diskless}) == [
        (
            "error",
            "nodes.pools.cpu.flavor",
            "d0.large has no disk of its own",
            "set nodes.pools.cpu.root_volume",
        )
    ]
    assert findings(nodes__pools={"cpu": {**diskless, "root_volume": {"size": 40}}}) == []


def test_an_image_that_is_not_there_is_said_once_for_all_nodes():
    assert findings(nodes__image="debian-21") == [
        ("error", "nodes.image", "the image 'debian-21' does not exist", 'did you mean "debian-12"?')
    ]


def test_an_image_that_is_not_active():
    there = images(Image(id="i1", name="debian-12", status="queued", os_distro="debian"))
    assert findings(there)[0][2] == "the image 'debian-12' is queued, not active"
    assert findings(there, nodes__image="i1")[0][2] == "the image 'i1' is queued, not active"


def test_of_several_images_of_one_name_the_newest_active_one_counts():
    there = images(
        Image(id="i3", name="debian-12", status="saving"),
        Image(id="i2", name="debian-12", os_distro="debian"),
        Image(id="i1", name="debian-12", min_disk=1000, os_distro="debian"),
    )
    assert findings(there) == []


def test_an_image_that_wants_more_than_the_flavor_has():
    there = images(Image(id="i1", name="debian-12", min_disk=30, min_ram=3000, os_distro="debian"))
    assert findings(there) == [
        (
            "error",
            "access.bastion.flavor",
            "m1.small has 2048 MiB of RAM; the image debian-12 wants 3000",
            "",
        ),
        ("error", "access.bastion.flavor", "m1.small has 20 GiB; the image debian-12 wants 30", ""),
    ]


def test_an_image_that_wants_more_than_the_root_volume_has():
    there = images(Image(id="i1", name="debian-12", min_disk=10, os_distro="debian"))
    pool = {"flavor": "d0.large", "count": 1, "root_volume": {"size": 5}}
    assert [each[1:3] for each in findings(there, nodes__pools={"cpu": pool})] == [
        ("nodes.pools.cpu.root_volume.size", "the root volume has 5 GiB; the image debian-12 wants 10")
    ]


def test_an_image_must_tell_its_login_unless_the_environment_does():
    silent = images(Image(id="i1", name="debian-12"))
    assert findings(silent)[0][2:] == (
        "nothing tells the login of the image 'debian-12': it has no os_distro",
        "set access.ssh.user",
    )
    assert findings(silent, access__ssh={"user": "debian"}) == []
    assert findings(nodes__image="i1")[0][2].endswith("it is named by id")


def test_zones_that_are_not_there_or_not_available():
    pool = {"flavor": "m1.large", "count": 2, "zones": ["zone-a", "zone-c", "zone-x"]}
    assert [each[1:] for each in findings(nodes__pools={"cpu": pool})] == [
        (
            "nodes.pools.cpu.zones[1]",
            "the availability zone 'zone-c' does not exist",
            'did you mean "zone-b"?',
        ),
        (
            "nodes.pools.cpu.zones[2]",
            "the availability zone 'zone-x' is not available",
            'did you mean "zone-b"?',
        ),
    ]
    assert findings(access__bastion={"flavor": "m1.small", "zone": "zone-z"})[0][1] == "access.bastion.zone"


def test_volumes_need_a_zone_that_is_available():
    there = snapshot(volume_zones=(Zone(name="nova", available=False),))
    assert [each[1:3] for each in findings(there)] == [
        ("nodes.control_plane.etcd_volume", "no availability zone of volumes is available")
    ]


def test_volume_types_of_every_kind_of_volume():
    pool = {
        "flavor": "m1.large",
        "count": 1,
        "root_volume": {"size": 40, "type": "fats"},
        "volumes": {"data": {"size": 10, "type": "slow", "mount": "/var/lib/data"}},
    }
    assert [each[1:] for each in findings(nodes__pools={"cpu": pool})] == [
        ("nodes.pools.cpu.root_volume.type", "the volume type 'fats' does not exist", 'did you mean "fast"?'),
        (
            "nodes.pools.cpu.volumes.data.type",
            "the volume type 'slow' does not exist",
            "possible: fast, standard",
        ),
    ]


def test_a_key_pair_that_is_to_be_there():
    assert findings(access__ssh={"keypair": "ops"}) == []
    assert findings(access__ssh={"keypair": "opps"}) == [
        ("error", "access.ssh.keypair", "the user has no key pair 'opps'", 'did you mean "ops"?')
    ]


def test_what_could_not_be_read_is_not_judged():
    unread = dict.fromkeys(("flavors", "images", "compute_zones", "volume_zones", "volume_types", "keypairs"))
    assert findings(snapshot(**unread), nodes__image="none", access__ssh={"keypair": "none"}) == []


APART = {"nodes__control_plane": {"flavor": "m1.medium", "count": 3, "affinity": "anti-affinity"}}


def test_servers_apart_have_a_compute_each():
    assert findings(snapshot(computes={"zone-a": 2, "zone-b": 1}), **APART) == []
    assert findings(snapshot(computes={"zone-a": 1, "zone-b": 1}), **APART) == [
        (
            "error",
            "nodes.control_plane.affinity",
            "each server needs a compute of its own: 3; the cloud has 2",
            "fewer servers, other zones, or soft-anti-affinity",
        )
    ]


def test_servers_apart_have_a_compute_each_in_their_zone():
    zones = {"nodes__control_plane": {**APART["nodes__control_plane"], "zones": ["zone-a", "zone-b"]}}
    assert findings(snapshot(computes={"zone-a": 2, "zone-b": 1}), **zones) == []
    assert [each[2] for each in findings(snapshot(computes={"zone-a": 1, "zone-b": 9}), **zones)] == [
        "each server needs a compute of its own: 2 in zone-a, which has 1"
    ]


def test_a_member_who_may_not_list_computes_is_told_that_it_is_not_known():
    [(severity, key, message, _)] = findings(snapshot(), **APART)
    assert (severity, key) == ("warning", "nodes.control_plane.affinity")
    assert message == (
        "whether the cloud has 3 computes for 3 servers apart cannot be known: "
        "only its administrators may list them"
    )


def test_computes_do_not_matter_to_servers_that_are_placed_or_need_not_be_apart():
    placed = tuple(Marked(id=f"{n}", name=f"prod-control-plane-{n}", stack="prod") for n in range(3))
    assert findings(snapshot(servers=placed), **APART) == []
    soft = {**APART["nodes__control_plane"], "affinity": "soft-anti-affinity"}
    assert findings(snapshot(computes={"zone-a": 1}), nodes__control_plane=soft) == []
    alone = {**APART["nodes__control_plane"], "count": 1}
    assert findings(snapshot(), nodes__control_plane=alone) == []


def test_an_existing_server_group():
    def pool(group: str) -> Any:
        return {"cpu": {"flavor": "m1.large", "count": 2, "server_group": group}}

    assert findings(nodes__pools=pool("apart")) == findings(nodes__pools=pool("sg1")) == []
    assert findings(nodes__pools=pool("apatr")) == [
        (
            "error",
            "nodes.pools.cpu.server_group",
            "there is no server group 'apatr'",
            'did you mean "apart"?',
        )
    ]


def test_a_root_volume_of_one_node_is_held_against_its_image_and_types():
    large = snapshot(images=(Image(id="i1", name="debian-12", min_disk=10, os_distro="debian"),))
    root = {"size": 5, "type": "fats"}
    pool = {"flavor": "m1.large", "count": 2, "overrides": {1: {"root_volume": root}}}
    assert [each[1:3] for each in findings(large, nodes__pools={"cpu": pool})] == [
        (
            "nodes.pools.cpu.overrides[1].root_volume.size",
            "the root volume has 5 GiB; the image debian-12 wants 10",
        ),
        ("nodes.pools.cpu.overrides[1].root_volume.type", "the volume type 'fats' does not exist"),
    ]
