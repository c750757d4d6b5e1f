from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from terp.cloud.hosts.cgroups import Cgroup, Hierarchy, Limits, cpus_of, hierarchies

HYBRID = """\
24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 24 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
35 24 0:28 / /mnt/memory-again rw,relatime - cgroup cgroup rw,memory
"""
UNIFIED = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_the_trees_of_a_hybrid_machine_are_each_found_once() -> None:
    found = {str(tree.path): tree for tree in hierarchies(HYBRID)}
    assert set(found) == {
        f"/sys/fs/cgroup/{name}" for name in ("cpu,cpuacct", "memory", "systemd", "unified")
    }
    assert found["/sys/fs/cgroup/cpu,cpuacct"].controllers == {"cpu", "cpuacct"}
    assert found["/sys/fs/cgroup/systemd"].controllers == set()
    assert found["/sys/fs/cgroup/unified"].version == 2


def test_a_unified_machine_has_one_tree() -> None:
    assert hierarchies(UNIFIED) == (Hierarchy(path=Path("/sys/fs/cgroup"), version=2),)


def test_limits_go_to_the_outer_group_of_the_unified_tree(tmp_path: Path) -> None:
    outer = tmp_path / "t0000-x"
    outer.mkdir()
    for folder in (tmp_path, outer):
        (folder / "cgroup.controllers").write_text("cpu memory\n")
        (folder / "cgroup.subtree_control").touch()
    for name in ("memory.max", "cpu.max"):
        (outer / name).touch()
    group = Cgroup("t0000-x", (Hierarchy(path=tmp_path, version=2),))
    group.create(Limits(memory=512, vcpus=2, cpus=(0, 1)))
    assert (outer / "memory.max").read_text() == str(512 << 20)
    assert (outer / "cpu.max").read_text() == "200000 100000"
    assert (outer / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert not (outer / "cpuset.cpus").exists(), "a controller that the machine does not give is left out"
    assert [(outer / inner).is_dir() for inner in ("host", "shim")] == [True, True]
    assert group.groups() == [outer]


def test_figures_are_read_from_either_version(tmp_path: Path) -> None:
    memory, cpu, unified = (tmp_path / name for name in ("memory", "cpuacct", "unified"))
    for tree in (memory, cpu, unified):
        (tree / "t0000-x").mkdir(parents=True)
    (memory / "t0000-x/memory.usage_in_bytes").write_text("1000\n")
    (cpu / "t0000-x/cpuacct.usage").write_text("1500000000\n")
    (unified / "t0000-x/memory.current").write_text("2000\n")
    (unified / "t0000-x/cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    old = (
        Hierarchy(path=memory, version=1, controllers=frozenset({"memory"})),
        Hierarchy(path=cpu, version=1, controllers=frozenset({"cpuacct"})),
    )
    new = (Hierarchy(path=unified, version=2),)
    assert (Cgroup("t0000-x", old).memory(), Cgroup("t0000-x", old).cpu()) == (1000, 1.5)
    assert (Cgroup("t0000-x", new).memory(), Cgroup("t0000-x", new).cpu()) == (2000, 2.5)
    assert (Cgroup("t0000-y", new).memory(), Cgroup("t0000-y", new).cpu()) == (None, None)


@given(st.uuids().map(str), st.integers(1, 64), st.integers(1, 16))
def test_a_host_gets_as_many_cpus_as_it_may_have_and_the_machine_has(
    host: str, vcpus: int, cpus: int
) -> None:
    chosen = cpus_of(host, vcpus, tuple(range(cpus)))
    assert len(chosen) == len(set(chosen)) == min(vcpus, cpus)
    assert set(chosen) <= set(range(cpus))
