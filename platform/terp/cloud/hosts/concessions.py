"""Where a host cannot be what a virtual machine is, and what is done about it: all in one place.

Every host shares the machine's kernel. What of that shows is found here; each concession is made only where
the machine needs it. A host reads the findings as the Ansible fact `terp_kernel`: no installer need guess.
"""

import gzip
import platform
import resource
from pathlib import Path

from terp.cloud.cached import make_once
from terp.cloud.hosts import cgroups
from terp.cloud.packages import tool
from terp.model import Model

CAP_SYS_RESOURCE = 24

WANTED_MODULES = {
    "bridge": "BRIDGE",
    "br_netfilter": "BRIDGE_NETFILTER",
    "dm_crypt": "DM_CRYPT",
    "dummy": "DUMMY",
    "fuse": "FUSE_FS",
    "ip6_tables": "IP6_NF_IPTABLES",
    "ip_set": "IP_SET",
    "ip_tables": "IP_NF_IPTABLES",
    "ip_vs": "IP_VS",
    "ip_vs_rr": "IP_VS_RR",
    "ip_vs_sh": "IP_VS_SH",
    "ip_vs_wrr": "IP_VS_WRR",
    "ipip": "NET_IPIP",
    "ipvlan": "IPVLAN",
    "iscsi_tcp": "ISCSI_TCP",
    "macvlan": "MACVLAN",
    "nf_conntrack": "NF_CONNTRACK",
    "nf_tables": "NF_TABLES",
    "nfs": "NFS_FS",
    "overlay": "OVERLAY_FS",
    "rbd": "BLK_DEV_RBD",
    "tun": "TUN",
    "veth": "VETH",
    "vxlan": "VXLAN",
    "wireguard": "WIREGUARD",
}
"""What the software of a Kubernetes node loads, and the kernel's option for it."""

LOADED = (
    "br_netfilter",
    "fuse",
    "ip6_tables",
    "ip_set",
    "ip_tables",
    "ip_vs",
    "ip_vs_rr",
    "ip_vs_sh",
    "ip_vs_wrr",
    "nf_conntrack",
    "nf_tables",
    "overlay",
    "tun",
    "vxlan",
)
"""Of these, what every node needs: the machine loads it, since a host may not, and it stays loaded."""


class Kernel(Model):
    """What of the machine's kernel and of our rights on it a host cannot be shielded from."""

    cgroup_version: int
    """1: the host's controllers are made writable (`open-kernel-interfaces` in the image). The kubelet needs
    `failCgroupV1: false` and the cgroupfs driver, containerd `SystemdCgroup = false`."""
    resource_capability: bool
    """False (no CAP_SYS_RESOURCE): nobody may lower oom_score_adj or raise a hard limit, so containerd needs
    `restrict_oom_score_adj = true`."""
    open_files: int
    """Hard limit of open files. Where `resource_capability` is false nothing in a host may ask for more."""
    modules: bool
    """True: the machine loads what nodes want, and hosts see its /lib/modules. False: all is built in and
    /proc/modules is missing; hosts get an index of what is there, so that `modprobe` tells the truth, and
    Python in the image an empty /proc/modules (`terp_modules.py`)."""
    log: bool
    """/dev/kmsg exists: hosts get it, since the kubelet watches it."""


def kernel() -> Kernel:
    """This machine's."""
    status = Path("/proc/self/status").read_text().splitlines()
    capabilities = next(int(line.split()[1], 16) for line in status if line.startswith("CapBnd:"))
    return Kernel(
        cgroup_version=cgroups.version(),
        resource_capability=bool(capabilities >> CAP_SYS_RESOURCE & 1),
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        modules=Path("/proc/modules").exists(),
        log=Path("/dev/kmsg").exists(),
    )


def modules(found: Kernel, packages: Path, folder: Path) -> Path | None:
    """What hosts see as /lib/modules: the machine's own, or an index made in `folder` for a kernel without.

    None when the machine has modules but no folder of them (a container): then nothing can be said.
    """
    if found.modules:
        # What this kernel does not have as a module is built in, or not there at all.
        tool(packages, "modprobe").run("--all", "--quiet", *LOADED, check=False)
        own = Path("/lib/modules").resolve()
        return own if own.exists() else None
    return make_once(folder / platform.release(), lambda new: _index(new, packages)) / "lib/modules"


def _index(new: Path, packages: Path) -> None:
    release = platform.release()
    index = new / "lib/modules" / release
    index.mkdir(parents=True)
    parameters = [module.name for module in Path("/sys/module").iterdir()]
    names = built_in(parameters, Path("/proc/filesystems").read_text(), _options())
    (index / "modules.builtin").write_text("".join(f"kernel/{name}.ko\n" for name in names))
    (index / "modules.order").write_text("")
    tool(packages, "depmod").run("--basedir", new, release)
    for path in new.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # whatever the caller's umask


def built_in(parameters: list[str], file_systems: str, options: frozenset[str]) -> list[str]:
    """Names of the modules that a kernel without modules has in itself, as far as it tells.

    From /sys/module, /proc/filesystems and the options it was built with.
    """
    mountable = [line.split()[-1] for line in file_systems.splitlines() if line.strip()]
    chosen = [name for name, option in WANTED_MODULES.items() if option in options]
    return sorted({*parameters, *mountable, *chosen})


def _options() -> frozenset[str]:
    """The options that are on, by the kernel's own account (/proc/config.gz); none if it keeps none."""
    try:
        lines = gzip.decompress(Path("/proc/config.gz").read_bytes()).decode().splitlines()
    except FileNotFoundError:
        return frozenset()
    return frozenset(line.removeprefix("CONFIG_")[:-2] for line in lines if line.endswith("=y"))
