import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.unit.recovery.samples import work_tree

from terp.kubernetes.keys import WrongKeyError, fingerprints
from terp.kubernetes.model import Observation
from terp.kubernetes.observation import Look
from terp.recovery.gathering import compare, pack

KEYS = {"ca.key": "one", "sa.key": "two"}


def look(**keys: dict[str, str]) -> Look:
    return Look(Observation(), control_plane="first", kubeconfig="", keys=keys)


def test_hosts_with_the_recorded_keys_are_taken():
    compare(look(first=KEYS, second=KEYS), fingerprints(KEYS))


@pytest.mark.parametrize("host", ["first", "second"])
def test_a_host_with_another_key_than_the_recorded_one_is_not(host: str):
    seen = {"first": KEYS, "second": KEYS, host: {**KEYS, "sa.key": "other"}}
    with pytest.raises(WrongKeyError, match=rf"{host} has another sa\.key"):
        compare(look(**seen), fingerprints(KEYS))


def test_hosts_that_differ_are_not_taken_where_nothing_is_recorded():
    with pytest.raises(WrongKeyError, match=r"second has another ca\.key"):
        compare(look(first=KEYS, second={"ca.key": "other"}), {})


def test_a_work_tree_is_packed_as_it_is_without_what_git_ignores(tmp_path: Path):
    tree = work_tree(tmp_path / "tree")
    (tree / ".gitignore").write_text("secret\n")
    (tree / "secret").write_text("secret")
    (tree / "new").write_text("not committed")
    (tree / "Pulumi.yaml").write_text("changed")
    commit = pack(tree, tmp_path / "packed")
    with tarfile.open(tmp_path / "packed") as archive:
        assert archive.getnames() == [".gitignore", "Pulumi.yaml", "new", "platform/__main__.py"]
        changed = archive.extractfile("Pulumi.yaml")
        assert changed
        assert changed.read() == b"changed"
    head = subprocess.run(
        ["git", "-C", str(tree), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=60
    )
    assert commit == head.stdout.strip()
