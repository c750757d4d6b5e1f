"""What a cluster is begun with that takes the place of a lost one."""

from pathlib import Path

import pytest

from terp.kubernetes.keys import PLACES
from terp.kubernetes.restoration import forget_restoration, prepare, restoration

KEYS = {name: f"the {name}" for name in PLACES}


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERP_STATE", str(tmp_path / "state"))
    for name in ("snapshot", "etcdutl"):
        (tmp_path / name).write_text(name)


def test_most_clusters_begin_with_nothing() -> None:
    assert restoration("prod") is None
    forget_restoration("prod")


def test_it_has_all_keys_where_kubeadm_looks_for_them(tmp_path: Path) -> None:
    prepare("prod", KEYS, tmp_path / "snapshot", tmp_path / "etcdutl")
    folder = restoration("prod")
    assert folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "keys" / "etcd" / "ca.key").read_text() == "the etcd-ca.key"
    assert {each.name for each in (folder / "keys").iterdir()} == {
        "ca.crt", "ca.key", "sa.key", "sa.pub", "front-proxy-ca.crt", "front-proxy-ca.key", "etcd",
    }  # fmt: skip
    assert (folder / "etcd.db").read_text() == "snapshot"
    forget_restoration("prod")
    assert restoration("prod") is None


def test_what_was_cut_off_is_not_taken_for_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        prepare("prod", KEYS, tmp_path / "nowhere", tmp_path / "etcdutl")
    assert restoration("prod") is None
    prepare("prod", KEYS, tmp_path / "snapshot", tmp_path / "etcdutl")
    assert restoration("prod")
