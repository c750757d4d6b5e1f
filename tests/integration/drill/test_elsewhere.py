"""An environment without a cluster, rebuilt on another cloud by a machine that has never heard of it.

The tests tell one story, in their order.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from terp.cloud.faults import Fault, set_faults
from terp.cloud.process import wait_for
from terp.recovery.age import new_key
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.cluster.site import kill
from tests.integration.openstack.conftest import MakeSite
from tests.integration.openstack.samples import small
from tests.integration.openstack.site import Site

pytestmark = [pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(900)]
BUSY = [Fault(service="nova", method="POST", path="/servers$", status=503, times=3)]


class Lost:
    """The environment where it was raised, its sets, and the place where it shall stand again."""

    def __init__(self, site: Site, elsewhere: Site, folder: Path) -> None:
        self.site, self.elsewhere = site, elsewhere
        self.sets, self.key, self.other = folder / "sets", folder / "key", folder / "other"

    @property
    def record(self) -> Path:
        """What a rebuild notes of itself."""
        return self.elsewhere.root / "rebuild.json"

    def options(self, sets: Path | None = None, key: Path | None = None) -> list[str]:
        return ["--from", str(sets or self.sets), "--key", str(key or self.key), "--no-hosts", "--json"]

    def refused(self, code: int, **options: Path) -> str:
        """What a rebuild says that changes nothing."""
        said = self.elsewhere.terp("rebuild", *self.options(**options), code=code).stderr
        assert not any(self.elsewhere.things().values())
        assert not self.elsewhere.root.exists()
        assert not self.elsewhere.file.exists()
        return said


@pytest.fixture(scope="module")
def lost(sites: MakeSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    folder = tmp_path_factory.mktemp("lost")
    for name in ("sets", "other-machine"):
        (folder / name).mkdir()
    recipients = [new_key(folder / "key")]
    new_key(folder / "other")
    environment = {**small(cpu=1), "recovery": {"to": str(folder / "sets"), "recipients": recipients}}
    site = sites("here", environment)
    site.up()
    site.terp("backup", "--json")
    with EmbeddedCloud(folder / "other-machine", hosts=False) as cloud:
        elsewhere = Site(cloud, folder, site.stack, environment)
        elsewhere.file.unlink()
        yield Lost(site, elsewhere, folder)
        elsewhere.destroy()


def test_what_lives_is_not_rebuilt(lost: Lost) -> None:
    said = lost.site.terp("rebuild", *lost.options(), code=2).stderr
    assert "is on cloud embedded still" in said
    assert "terp destroy here" in said
    assert not (lost.site.root / "rebuild.json").exists()


def test_another_key_opens_nothing(lost: Lost) -> None:
    said = lost.refused(1, key=lost.other)
    assert "cannot be used; nothing was changed" in said
    assert "does not open" in said


def test_a_set_that_was_cut_off_is_none(lost: Lost, tmp_path: Path) -> None:
    shutil.copytree(lost.sets, tmp_path / "sets")
    largest = max((tmp_path / "sets" / "here" / "objects").iterdir(), key=lambda file: file.stat().st_size)
    with largest.open("r+b") as file:
        file.truncate(largest.stat().st_size // 2)
    assert "none of 1 recovery sets can be used" in lost.refused(2, sets=tmp_path / "sets")


def test_it_goes_on_after_it_was_killed_in_each_phase(lost: Lost) -> None:
    process = lost.elsewhere.start("rebuild", *lost.options())
    wait_for("the rebuild to give back", lost.record.exists, 200, 0.01)
    kill(process)
    assert json.loads(lost.record.read_text())["done"] == []
    process = lost.elsewhere.start("rebuild", *lost.options())
    wait_for("the cloud to be changed", lambda: bool(lost.elsewhere.things()["ports"]), 200, 0.1)
    kill(process)
    assert json.loads(lost.record.read_text())["done"] == ["prove and give back"]
    set_faults(lost.elsewhere.cloud.state, BUSY)
    said = lost.elsewhere.terp("rebuild", *lost.options()).stdout
    done = json.loads(said.splitlines()[-1])
    assert done["done"] == ["prove and give back", "raise", "verify"]


def test_it_is_the_same_again_and_the_old_one_untouched(lost: Lost) -> None:
    site, elsewhere = lost.site, lost.elsewhere
    assert elsewhere.environment == site.environment
    for kind, things in site.things().items():
        assert sorted(elsewhere.things()[kind]) == sorted(things), kind
    assert (elsewhere.root / "private_key").read_text() == (site.root / "private_key").read_text()
    assert elsewhere.up()["changes"].keys() <= {"same", "read"}
    assert site.up()["changes"].keys() <= {"same", "read"}


def test_its_passphrase_is_its_own(lost: Lost) -> None:
    first = lost.site.cloud.state.root.parent / "passphrase"
    assert (lost.elsewhere.root / "passphrase").read_text() == first.read_text()
    assert (lost.elsewhere.cloud.state.root.parent / "passphrase").read_text() != first.read_text()
