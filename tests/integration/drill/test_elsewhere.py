"""An environment without a cluster, rebuilt on another cloud by a machine that has never heard of it."""

import json
from pathlib import Path

import pytest

from terp.cloud.faults import Fault, set_faults
from terp.recovery.age import new_key
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.openstack.conftest import MakeSite
from tests.integration.openstack.samples import small
from tests.integration.openstack.site import Site

pytestmark = [pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(900)]
BUSY = [Fault(service="nova", method="POST", path="/servers$", status=503, times=3)]


def test_it_stands_on_another_cloud_that_stumbles(sites: MakeSite, tmp_path: Path) -> None:
    key, sets = tmp_path / "key", tmp_path / "sets"
    sets.mkdir()
    environment = {**small(cpu=1), "recovery": {"to": str(sets), "recipients": [new_key(key)]}}
    site = sites("here", environment)
    site.up()
    site.terp("backup", "--json")
    before = site.things()
    (tmp_path / "other").mkdir()
    with EmbeddedCloud(tmp_path / "other", hosts=False) as other:
        elsewhere = Site(other, tmp_path, site.stack, environment)
        elsewhere.file.unlink()
        set_faults(other.state, BUSY)
        said = elsewhere.terp(
            "rebuild", "--from", str(sets), "--key", str(key), "--no-hosts", "--json"
        ).stdout
        done = json.loads(said.splitlines()[-1])
        assert done["done"] == ["prove and give back", "raise", "verify"]
        assert elsewhere.environment == site.environment
        assert sorted(elsewhere.things()["servers"]) == sorted(before["servers"])
        assert (elsewhere.root / "private_key").read_text() == (site.root / "private_key").read_text()
        assert (elsewhere.root / "passphrase").read_text() == passphrase_of(site)
        assert elsewhere.up()["changes"].keys() <= {"same", "read"}
        elsewhere.destroy()
    assert site.things() == before


def passphrase_of(site: Site) -> str:
    """Of the machine that has raised it."""
    return (site.cloud.state.root.parent / "passphrase").read_text()
