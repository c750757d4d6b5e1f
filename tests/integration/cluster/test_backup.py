"""A recovery set of a cluster that stands: written beside its work, and proved without it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import V1ObjectMeta, V1Secret

from terp.kubernetes.keys import ENCRYPTION, PLACES, fingerprints
from terp.recovery.contents import PASSPHRASE, PRIVATE_KEY, SNAPSHOT, STACK_FILE, STATE, WORK_TREE
from tests.integration.cluster.site import ClusterSite

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(900)]
CANARY = "a-canary-that-nobody-may-see"


class Backups:
    """The recovery sets of the site, and who opens them."""

    def __init__(self, site: ClusterSite, folder: Path) -> None:
        self.site = site
        self.place = folder / "sets"
        self.key = folder / "key"
        self.place.mkdir()
        self.public = site.terp("backup", "key", str(self.key)).stdout.strip()
        site.change(recovery={"to": str(self.place), "recipients": [self.public]})

    def write(self) -> dict[str, Any]:
        done = self.site.terp("backup", str(self.site.file), "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        written: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return written


@pytest.fixture(scope="module")
def backups(site: ClusterSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backups]:
    yield Backups(site, tmp_path_factory.mktemp("backups"))
    site.change(recovery=None)


@pytest.fixture(scope="module")
def written(site: ClusterSite, backups: Backups) -> Iterator[dict[str, Any]]:
    """A set with a Secret in it that is known."""
    core = site.api().core
    core.create_namespaced_secret(
        "default", V1Secret(metadata=V1ObjectMeta(name="canary"), string_data={"canary": CANARY})
    )
    yield backups.write()
    core.delete_namespaced_secret("canary", "default")


def test_it_has_all_that_must_survive_a_cluster(site: ClusterSite, written: dict[str, Any]) -> None:
    keys = {*PLACES, ENCRYPTION}
    assert written["objects"].keys() == {
        *keys, STATE, PASSPHRASE, STACK_FILE, PRIVATE_KEY, WORK_TREE, SNAPSHOT,
    }  # fmt: skip
    assert written["fingerprints"] == site.cluster()["fingerprints"]
    assert written["fingerprints"].keys() == keys
    assert written["etcd_revision"] > 1


def test_it_changes_nothing(site: ClusterSite, written: dict[str, Any]) -> None:
    before = site.runs()
    assert set(site.up()["changes"]) <= {"same", "read"}
    assert site.runs() == before


def test_nothing_of_it_can_be_read_without_a_key(
    site: ClusterSite, backups: Backups, written: dict[str, Any]
) -> None:
    secrets = [CANARY, (site.root / "private_key").read_text().splitlines()[1]]
    for file in (each for each in backups.place.rglob("*") if each.is_file()):
        content = file.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], file
    left = site.root.parents[1] / "recovery"
    assert [file.name for file in left.rglob("*") if file.is_file()] == ["lock"]


def test_it_is_proved_where_there_is_no_environment(
    backups: Backups, written: dict[str, Any], tmp_path: Path
) -> None:
    kept = ("PATH", "HOME", "PYTHONPATH", "TERP_CACHE")
    elsewhere = {name: os.environ[name] for name in kept if name in os.environ}
    elsewhere |= {"TERP_STATE": str(tmp_path), "PYTHONPATH": backups.site.cloud.env["PYTHONPATH"]}
    argv = ["backup", "verify", "kube", "--from", str(backups.place), "--key", str(backups.key), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "terp", *argv],
        env=elsewhere, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    proof = json.loads(done.stdout.splitlines()[-1])
    assert (proof["name"], proof["opened"], proof["whole"]) == (written["name"], True, True)
    said = {each["what"]: each["said"] for each in proof["checks"]}
    opened, _, encrypted, *_ = said["the Secrets in the snapshot open"].split()
    assert int(opened) == int(encrypted) > 0
    assert said["the keys are those that the state records"] == f"{len(PLACES) + 2} keys"


def test_the_list_says_how_old_the_newest_is(backups: Backups, written: dict[str, Any]) -> None:
    done = backups.site.terp("backup", "list", str(backups.site.file), "--json")
    listed = json.loads(done.stdout)
    assert (done.returncode, listed["overdue"]) == (0, False)
    assert [each["name"] for each in listed["sets"]] == [written["name"]]


def test_a_host_with_another_key_than_the_recorded_one_ends_it(
    site: ClusterSite, backups: Backups, written: dict[str, Any]
) -> None:
    host = site.remote("kube-control-plane-0")
    file = PLACES["sa.pub"][0]
    host.check_output(f"sudo cp {file} /root/sa.pub; echo other | sudo tee {file}")
    try:
        done = site.terp("backup", str(site.file), "--json")
    finally:
        host.check_output(f"sudo cp /root/sa.pub {file}")
    assert done.returncode == 2
    assert "another sa.pub than the cluster that is recorded" in done.stderr
    assert len(list((backups.place / "kube" / "sets").iterdir())) == 1
    assert (
        fingerprints({"sa.pub": host.check_output(f"sudo cat {file}")}).items()
        <= written["fingerprints"].items()
    )
