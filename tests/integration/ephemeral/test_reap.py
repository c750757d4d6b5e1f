"""What `terp reap` removes, and above all what it does not."""

import pytest

from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.ephemeral.conftest import Terp, said
from tests.integration.ephemeral.things import cleared, ids, of_a_cluster, of_a_stack, without_marks
from tests.integration.openstack.conftest import MakeSite
from tests.integration.openstack.samples import small
from tests.integration.openstack.site import everything

pytestmark = [pytest.mark.tools, pytest.mark.cloud, pytest.mark.timeout(600)]

ENDED = "smoke-0a1b2c-until-20200101t0000z"
LIVES = "smoke-3d4e5f-until-20990101t0000z"


def test_what_has_outlived_its_lifetime_goes_and_all_that_looks_like_it_stays(
    cloud: EmbeddedCloud, terp: Terp
) -> None:
    member = cloud.connect()
    with cleared(member):
        of_a_stack(member, LIVES)
        of_a_stack(member, "prod")
        of_a_stack(member, f"{ENDED}", marked=False)
        for foreign in ("kubernetes", "smoke", "smoke-until-friday"):
            of_a_cluster(member, foreign)
            without_marks(member, foreign)
        without_marks(member, LIVES)
        without_marks(member, f"x-{ENDED}-backup")
        member.compute.delete_server_group(member.compute.find_server_group(f"x-{ENDED}-backup-cpu"))
        others = ids(member)
        of_a_stack(member, ENDED)
        of_a_cluster(member, ENDED)
        without_marks(member, ENDED)
        everyone = ids(member)

        dry = said(terp("reap", "--json"))
        assert ids(member) == everyone, "a dry run changed something"
        found = {each["name"]: each for each in dry["stacks"]}
        assert {name: each["may_go"] for name, each in found.items()} == {
            ENDED: True,
            LIVES: False,
            "prod": False,
        }
        assert {each["kind"] for each in found[ENDED]["takes"]} == {
            *(
                "server",
                "volume",
                "snapshot",
                "floating IP",
                "port",
                "interface",
                "router",
                "subnet",
                "network",
            ),
            *("security group", "server group", "keypair", "load balancer"),
        }

        done = said(terp("reap", "--yes", "--json"))
        assert done["failed"] == []
        assert ids(member) == others

        assert "--stack prod" in terp("reap").stdout.replace("\n", " ")
        done = said(terp("reap", "--yes", "--stack", "prod", "--json"))
        assert done["failed"] == []
        assert not any("prod" in (each.name or "") for every in everything(member).values() for each in every)


def test_what_another_project_has_is_not_ours_whatever_its_marks(cloud: EmbeddedCloud, terp: Terp) -> None:
    admin = cloud.connect(admin=True)
    theirs = admin.network.create_network(name="theirs", description=f"terp:stack={ENDED}", shared=True)
    try:
        found = said(terp("reap", "--yes", "--json"))
        assert found["stacks"] == []
        assert admin.network.find_network(theirs.id)
    finally:
        admin.network.delete_network(theirs)


def test_what_is_to_be_kept_stays_with_all_that_it_stands_on(cloud: EmbeddedCloud, terp: Terp) -> None:
    member = cloud.connect()
    with cleared(member):
        of_a_stack(member, ENDED)
        of_a_cluster(member, ENDED)
        everyone = ids(member)
        said(terp("reap", "--yes", "--json", "--keep", f"{ENDED}-cpu-0"))
        said(terp("reap", "--yes", "--json", "--keep", "smoke-*"))
        assert ids(member) == everyone
        done = said(terp("reap", "--yes", "--json", "--keep", "snapshot-1"))
        assert done["failed"] == []
        assert [each.name for each in member.block_storage.volumes()] == ["pvc-9b1f"]
        assert [each.name for each in member.block_storage.snapshots()] == ["snapshot-1"]
        assert not list(member.compute.servers())


def test_something_that_is_used_by_another_is_left_and_said(cloud: EmbeddedCloud, terp: Terp) -> None:
    member = cloud.connect()
    with cleared(member):
        network = member.network.create_network(name="n", description=f"terp:stack={ENDED}")
        member.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.51.0.0/24")
        foreign = member.network.create_port(network_id=network.id, name="of somebody else")
        done = said(terp("reap", "--yes", "--json", code=1))
        assert [each["kind"] for each in done["failed"]] == ["network"]
        assert member.network.find_port(foreign.id)


def test_a_stack_goes_with_its_state_when_its_lifetime_has_ended(sites: MakeSite, terp: Terp) -> None:
    site = sites(ENDED, small(cpu=1))
    site.up()
    assert site.state_file.exists()
    done = said(terp("reap", "--yes", "--json"))
    assert (done["failed"], done["forgotten"]) == ([], [ENDED])
    assert not site.state_file.exists()
    assert not site.root.exists()
    assert not any(everything(site.member).values())
    assert said(terp("reap", "--json"))["stacks"] == []
