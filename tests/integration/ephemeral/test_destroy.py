"""`terp destroy`: what a cluster has made goes without it as well, and data can stay."""

import pytest

from terp.stack.reap.ownership import KEPT
from tests.integration.ephemeral.conftest import Terp, said
from tests.integration.ephemeral.things import cleared, ids, of_a_cluster
from tests.integration.openstack.conftest import MakeSite
from tests.integration.openstack.samples import small

pytestmark = [pytest.mark.tools, pytest.mark.cloud, pytest.mark.timeout(600)]


def test_what_a_cluster_has_made_goes_and_the_volumes_that_are_named_stay(
    sites: MakeSite, terp: Terp
) -> None:
    environment = small(cpu=1)
    environment["nodes"]["pools"]["cpu"]["volumes"] = {
        name: {"size": 1, "mount": f"/srv/{name}"} for name in ("data", "scratch")
    }
    site = sites("keeps", environment)
    with cleared(site.member):
        site.up()
        of_a_cluster(site.member, "keeps")
        before = ids(site.member)
        refused = site.terp("destroy", "--yes", "--keep-data", "keeps-cpu-0-date", code=2)
        assert "keeps-cpu-0-data" in refused.stderr
        assert ids(site.member) == before

        done = said(site.terp("destroy", "--yes", "--keep-data", "keeps-cpu-0-data", "--json"))
        assert (done["kept"], done["orphans"]) == (["keeps-cpu-0-data"], [])
        (volume,) = site.member.block_storage.volumes()
        assert (volume.name, volume.status) == ("keeps-cpu-0-data", "available")
        assert KEPT in volume.metadata
        assert ids(site.member) == {("volumes", volume.id)}

        said(terp("reap", "--yes", "--stack", "keeps", "--json"))
        assert ids(site.member) == {("volumes", volume.id)}


def test_a_claim_s_volume_is_kept_by_the_name_of_its_claim(sites: MakeSite) -> None:
    site = sites("claims", small(cpu=1))
    with cleared(site.member):
        site.up()
        of_a_cluster(site.member, "claims")
        done = said(site.terp("destroy", "--yes", "--keep-data", "default/data", "--json"))
        assert (done["kept"], done["orphans"]) == (["default/data"], [])
        assert [each.name for each in site.member.block_storage.volumes()] == ["pvc-9b1f"]
