"""A host is good enough to be a node of Kubernetes, on this machine's kernel and version of cgroups."""

import json
import subprocess
from pathlib import Path

import pytest

from terp.cloud.cached import make_once
from terp.cloud.distribution import STATUS, distribution, essential
from terp.cloud.hosts import Host, cgroups, sweep
from terp.cloud.network import links
from terp.cloud.packages import Apt, tool, unpack
from terp.paths import cache_dir

from .conftest import Lab

pytestmark = pytest.mark.hosts

LAYER = """
set -eu
mkdir -p /var/lib/containerd; cd /var/lib/containerd
mkdir -p layer/proc layer/sys layer/dev layer/tmp upper work bundle/rootfs
for folder in bin lib lib64 sbin; do
    mkdir -p layer/usr/$folder
    ln -s usr/$folder layer/$folder
done
for program in sh cat head tail sleep hostname touch; do
    cp --dereference --parents "$(command -v $program)" layer
    for library in $(ldd "$(command -v $program)" | grep -o '/[^ ]*'); do
        cp --dereference --parents "$library" layer
    done
done
mount -t overlay overlay -o lowerdir=layer,upperdir=upper,workdir=work bundle/rootfs
"""
RUN = """
cd /var/lib/containerd/bundle
runc run --detach demo </dev/null >/tmp/said 2>&1 || { cat /tmp/said >&2; exit 1; }
"""
LIMIT = 48 << 20


@pytest.fixture(scope="session")
def runc() -> Path:
    """The program of the distribution's package."""
    machine = distribution()

    def fetch(new: Path) -> None:
        apt = Apt(new / "apt", machine, essential(STATUS.read_text()))
        apt.update()
        for archive in apt.download(("runc",)):
            if archive.name.startswith("runc_"):
                unpack(archive, new)

    root = make_once(cache_dir() / "packages" / f"runc-{machine.codename}", fetch)
    return next(path for folder in ("sbin", "bin") if (path := root / f"usr/{folder}/runc").exists())


def as_root(lab: Lab, host: Host, script: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a script in the host as root."""
    return lab.ssh(host, "sudo sh -s", stdin=script, check=check, timeout=60)


def install(lab: Lab, host: Host, program: Path) -> None:
    """Copy a program into the host's PATH."""
    options = (
        "-oStrictHostKeyChecking=no",
        "-oUserKnownHostsFile=/dev/null",
        "-oLogLevel=ERROR",
        f"-i{lab.key}",
    )
    scp = links.inside(lab.client, tool(lab.place.packages, "scp"))
    scp.run(
        f"-S{lab.place.packages / 'usr/bin/ssh'}",
        *options,
        program,
        f"{lab.user}@{lab.addresses[host.id]}:/tmp/{program.name}",
    )
    as_root(lab, host, f"install /tmp/{program.name} /usr/local/sbin/{program.name}")


def configure(lab: Lab, host: Host, *, privileged: bool = False) -> None:
    """Write the configuration of a container as a node's runtime would."""
    as_root(lab, host, LAYER + "cd bundle && runc spec")
    config = json.loads(as_root(lab, host, "cat /var/lib/containerd/bundle/config.json").stdout)
    config["process"] |= {"terminal": False, "args": ["/bin/sh", "-c", "sleep 1000"]}
    config["hostname"] = "container"
    config["root"] = {"path": "rootfs", "readonly": False}
    config["linux"]["cgroupsPath"] = "/kubepods/test"
    config["linux"]["resources"]["memory"] = {"limit": LIMIT}
    config["linux"]["resources"]["cpu"] = {"quota": 50_000, "period": 100_000}
    if privileged:
        config["linux"]["namespaces"] = [
            each for each in config["linux"]["namespaces"] if each["type"] != "network"
        ]
        config["linux"] |= {"maskedPaths": [], "readonlyPaths": []}
        for mount in config["mounts"]:
            mount["options"] = [option for option in mount.get("options", []) if option != "ro"]
    as_root(lab, host, f"cat > /var/lib/containerd/bundle/config.json <<'END'\n{json.dumps(config)}\nEND\n")


def test_a_container_runs_in_its_own_namespaces_and_limits(lab: Lab, runc: Path) -> None:
    host = lab.run(memory=512)
    install(lab, host, runc)
    configure(lab, host)
    as_root(lab, host, RUN)
    state = json.loads(as_root(lab, host, "runc state demo").stdout)
    assert state["status"] == "running"
    inside = as_root(lab, host, "runc exec demo cat /proc/sys/kernel/hostname").stdout.strip()
    assert inside == "container"
    groups = as_root(lab, host, f"cat /proc/{state['pid']}/cgroup").stdout
    assert "/kubepods/test" in groups
    for namespace in ("pid", "mnt", "net", "uts", "ipc"):
        links_of = as_root(lab, host, f"readlink /proc/1/ns/{namespace} /proc/{state['pid']}/ns/{namespace}")
        assert len(set(links_of.stdout.split())) == 2, f"{namespace} is the container's own"
    limit = (
        "memory/kubepods/test/memory.limit_in_bytes" if cgroups.version() == 1 else "kubepods/test/memory.max"
    )
    assert int(as_root(lab, host, f"cat /sys/fs/cgroup/{limit}").stdout) == LIMIT

    eat = "head -c {size}M /dev/zero | tail | head -c 1 > /dev/null; echo survived"
    little = as_root(lab, host, f"runc exec demo sh -c '{eat.format(size=8)}'")
    assert "survived" in little.stdout
    much = as_root(lab, host, "runc exec demo sh -c 'head -c 200M /dev/zero | tail > /dev/null'", check=False)
    assert much.returncode == 137, "the container's limit took effect, far below the host's"
    assert lab.out(host, "true") == ""

    as_root(lab, host, "runc exec demo touch /written")
    assert as_root(lab, host, "ls /var/lib/containerd/upper").stdout.split() == ["written"]
    as_root(lab, host, "runc kill demo KILL; sleep 1; runc delete --force demo")


def test_a_privileged_container_on_the_nodes_network_runs(lab: Lab, runc: Path) -> None:
    host = lab.run(memory=512)
    install(lab, host, runc)
    configure(lab, host, privileged=True)
    as_root(lab, host, RUN)
    seen = as_root(lab, host, "runc exec demo cat /sys/class/net/eth0/address").stdout.strip()
    assert seen == host.record().nics["eth0"].mac


def test_a_node_finds_what_its_software_checks(lab: Lab) -> None:
    host = lab.run(memory=512)
    as_root(lab, host, "test -c /dev/kmsg && dd if=/dev/kmsg of=/dev/null bs=8k count=1 iflag=nonblock")
    assert lab.out(host, "findmnt --noheadings --output PROPAGATION /") == "shared"
    for folder in ("/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd"):
        assert (
            as_root(lab, host, f"mkdir -p {folder} && findmnt -no FSTYPE -T {folder}").stdout.strip()
            == "ext4"
        )
    as_root(lab, host, "sysctl -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1")
    as_root(lab, host, "mkdir /run/bpf && mount -t bpf bpf /run/bpf && umount /run/bpf")
    as_root(
        lab, host, "mkdir /tmp/shared && mount -t tmpfs tmpfs /tmp/shared && mount --make-shared /tmp/shared"
    )
    as_root(lab, host, "nft add table inet test && iptables -t nat -N TEST && ipset create test hash:ip")
    groups = "for c in /sys/fs/cgroup /sys/fs/cgroup/*/; do [ ! -e $c/cgroup.procs ] || mkdir $c/test; done"
    as_root(lab, host, groups)
    as_root(lab, host, "systemd-run --quiet --wait --property=MemoryMax=50M --property=CPUQuota=20% true")


def test_modules_can_be_asked_for_as_on_any_node(lab: Lab) -> None:
    host = lab.run()
    as_root(lab, host, "modprobe overlay && modprobe br_netfilter && modprobe nf_conntrack")
    assert as_root(lab, host, "modprobe no_such_module", check=False).returncode != 0
    assert lab.out(host, "python3 -c \"open('/proc/modules').read(); print('read')\"") == "read"


def test_a_host_says_as_an_ansible_fact_what_of_the_kernel_it_shares(lab: Lab) -> None:
    host = lab.run()
    fact = json.loads(lab.out(host, "cat /etc/ansible/facts.d/terp_kernel.fact"))
    assert fact["cgroup_version"] == cgroups.version()
    inside = lab.out(host, "stat --file-system --format=%T /sys/fs/cgroup")
    assert inside == ("cgroup2fs" if fact["cgroup_version"] == 2 else "tmpfs")
    lowered = as_root(lab, host, "echo -500 > /proc/self/oom_score_adj", check=False).returncode == 0
    assert lowered == fact["resource_capability"]
    assert int(as_root(lab, host, "ulimit -Hn").stdout) <= fact["open_files"] or fact["resource_capability"]


def test_what_a_node_sets_for_the_whole_machine_is_set_back(lab: Lab) -> None:
    before = Path("/proc/sys/vm/overcommit_memory").read_text().strip()
    other = "1" if before != "1" else "0"
    alone = not Path("/run/terp/sysctls.json").exists()
    host = lab.run()
    as_root(lab, host, f"sysctl -w vm.overcommit_memory={other}")
    assert Path("/proc/sys/vm/overcommit_memory").read_text().strip() == other
    sweep(lab.place)
    if alone:
        assert Path("/proc/sys/vm/overcommit_memory").read_text().strip() == before
    else:
        Path("/proc/sys/vm/overcommit_memory").write_text(before)
