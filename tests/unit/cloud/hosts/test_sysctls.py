from pathlib import Path

import pytest

from terp.cloud.hosts import sysctls


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc/sys and a record of its own."""
    root = tmp_path / "sys"
    for name in ("fs/inotify/max_user_instances", "vm/overcommit_memory"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / "fs/inotify/max_user_instances").write_text("128\n")
    (root / "vm/overcommit_memory").write_text("0\n")
    monkeypatch.setattr(sysctls, "SHARED", root)
    monkeypatch.setattr(sysctls, "RECORD", tmp_path / "run/sysctls.json")
    return root


def clouds(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).mkdir()
    return [folder / name for name in names]


def test_the_last_cloud_sets_everything_back(machine: Path, tmp_path: Path) -> None:
    first, second = clouds(tmp_path, "first", "second")
    instances, overcommit = machine / "fs/inotify/max_user_instances", machine / "vm/overcommit_memory"
    sysctls.hold(first)
    sysctls.hold(second)
    assert int(instances.read_text()) == 8192
    overcommit.write_text("1\n")  # as a kubelet in a host does
    sysctls.give_back(first)
    assert int(instances.read_text()) == 8192
    sysctls.give_back(second)
    assert (instances.read_text().strip(), overcommit.read_text().strip()) == ("128", "0")
    assert not (tmp_path / "run").exists()
    sysctls.give_back(second)


def test_a_cloud_whose_state_is_gone_holds_nothing_up(machine: Path, tmp_path: Path) -> None:
    lost, last = clouds(tmp_path, "lost", "last")
    sysctls.hold(lost)
    sysctls.hold(last)
    lost.rmdir()
    sysctls.give_back(last)
    assert (machine / "fs/inotify/max_user_instances").read_text().strip() == "128"


def test_a_value_that_is_high_enough_is_left_alone(machine: Path, tmp_path: Path) -> None:
    (machine / "fs/inotify/max_user_instances").write_text("65536\n")
    (cloud,) = clouds(tmp_path, "cloud")
    sysctls.hold(cloud)
    assert (machine / "fs/inotify/max_user_instances").read_text().strip() == "65536"
