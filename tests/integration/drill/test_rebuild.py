"""A cluster that is lost with all that is known of it, and rebuilt by two runs of which the first is killed.

The tests tell one story, in their order.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from terp.cloud.process import wait_for
from terp.recovery.seeds import VOLUME, Seeds
from tests.integration.cluster.site import ClusterSite, kill, raised
from tests.integration.openstack.site import everything

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(2400)]

BEGINS = "Begin the cluster"
"""The task that runs `kubeadm init` on the restored data."""
IN_THE_MIDDLE = 5
"""Seconds into it."""


class Lost:
    """The environment, its recovery sets, and who opens them."""

    def __init__(self, site: ClusterSite, folder: Path) -> None:
        self.site, self.sets, self.key = site, folder / "sets", folder / "key"
        self.sets.mkdir()
        public = site.terp("backup", "key", str(self.key)).stdout.strip()
        site.change(recovery={"to": str(self.sets), "recipients": [public]})
        self.seeds = Seeds(volume=True)
        self.seeds.plant(site.api())
        done = site.terp("backup", str(site.file), "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        self.set: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        self.seeds.plant_late(site.api())
        self.private_key = (site.root / "private_key").read_text()
        self.fingerprints = site.cluster()["fingerprints"]

    @property
    def record(self) -> Path:
        """What a rebuild notes of itself."""
        return self.site.root / "rebuild.json"

    @property
    def options(self) -> list[str]:
        return ["--from", str(self.sets), "--key", str(self.key), "--json"]

    def rebuild(self, *, code: int = 0) -> str:
        """`terp rebuild` to its end with a code; what it says."""
        done = self.site.terp("rebuild", str(self.site.file), *self.options)
        assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stderr if code else done.stdout.splitlines()[-1]

    def begin(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "terp", "rebuild", str(self.site.file), *self.options],
            env=self.site.cloud.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def nothing_is_there(self) -> bool:
        """Whether the cloud has the kept volume alone, and this machine has no stack."""
        found = {kind: things for kind, things in everything(self.site.cloud.connect()).items() if things}
        return not self.site.root.exists() and sum(len(things) for things in found.values()) == 1


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    folder = tmp_path_factory.mktemp("lost")
    with raised(Path(__file__).with_name("Pulumi.lost.yaml"), folder) as site:
        yield Lost(site, folder)


def test_it_is_lost(lost: Lost) -> None:
    done = lost.site.terp("destroy", str(lost.site.file), "--yes", "--keep-data", VOLUME)
    assert done.returncode == 0, done.stdout + done.stderr
    (lost.site.root.parents[1] / "passphrase").unlink()
    assert lost.nothing_is_there()


def test_it_goes_on_after_it_was_killed_in_the_middle_of_kubeadm(lost: Lost) -> None:
    process = lost.begin()
    wait_for("kubeadm to begin", lambda: any(BEGINS in log for log in lost.site.logs("cluster.yml")), 900)
    time.sleep(IN_THE_MIDDLE)
    kill(process)
    assert json.loads(lost.record.read_text())["done"] == ["prove and give back"]
    said = json.loads(lost.rebuild())
    assert said["set"] == lost.set["name"]
    assert said["done"] == ["prove and give back", "raise", "verify"]


def test_it_is_the_same_again(lost: Lost) -> None:
    assert (lost.site.root / "private_key").read_text() == lost.private_key
    assert lost.site.cluster()["fingerprints"] == lost.fingerprints == lost.set["fingerprints"]
    assert set(lost.site.ready()) == {"lost-control-plane-0", "lost-cpu-0"}
    assert all(lost.site.ready().values())


def test_what_was_in_the_set_is_there_and_nothing_of_later(lost: Lost) -> None:
    assert [seed.name for seed in lost.seeds.look(lost.site.api()) if not seed.right] == []


def test_nothing_secret_is_left_of_it(lost: Lost) -> None:
    assert not (lost.site.folder / "restoration").exists()
    left = lost.site.root.parents[1] / "recovery"
    assert [file.name for file in left.rglob("*") if file.is_file()] == ["lock"]


def test_the_next_up_has_nothing_to_do(lost: Lost) -> None:
    assert set(lost.site.up()["changes"]) <= {"same", "read"}


def test_what_stands_again_is_not_rebuilt(lost: Lost) -> None:
    assert "is on cloud embedded still" in lost.rebuild(code=2)
