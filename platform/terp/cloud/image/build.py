"""Builds the base tree: the machine's own distribution, and the settings in `files/`."""

import hashlib
import os
import shutil
from pathlib import Path

from terp.cloud.cached import make_once
from terp.cloud.distribution import Distribution, distribution
from terp.cloud.packages import DIES_WITH_CALLER, Apt
from terp.command import Command
from terp.errors import TerpError
from terp.paths import cache_dir
from terp.progress import Progress, Task

FILES = Path(__file__).parent / "files"
"""Copied into the tree as they are."""

PACKAGES = (
    # a server
    "acl",
    "bash-completion",
    "ca-certificates",
    "cloud-init",
    "curl",
    "dbus",
    "gnupg",
    "iproute2",
    "iputils-ping",
    "less",
    "libnss-myhostname",
    "libnss-resolve",
    "libpam-systemd",
    "netbase",
    "netcat-openbsd",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "rsync",
    "sudo",
    "systemd",
    "systemd-resolved",
    "systemd-sysv",
    "tzdata",
    "udev",
    "unzip",
    "xz-utils",
    "zstd",
    # a disk
    "e2fsprogs",
    "fdisk",
    "xfsprogs",
    # a node of Kubernetes, as kubeadm and Kubespray want it
    "apt-transport-https",
    "conntrack",
    "ebtables",
    "ethtool",
    "haproxy",
    "ipset",
    "iptables",
    "ipvsadm",
    "kmod",
    "libseccomp2",
    "nftables",
    "openssl",
    "runc",
    "socat",
)

ENABLED = ("systemd-networkd", "systemd-resolved", "ssh", "terp-kernel", "terp-fstab")
DISABLED = ("haproxy",)
"""What only a node of Kubernetes runs."""
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "cloud-init-hotplugd.socket",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@.service",
    "ipvsadm.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-networkd-wait-online.service",
    "systemd-udev-trigger.service",
    "systemd-udevd.service",
)
"""What only a machine with a kernel of its own needs, or what spends time for nothing."""

EMPTIED = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
)
REMOVED = (
    "etc/cloud/cloud.cfg.d/90_dpkg.cfg",
    "etc/hostname",
    "etc/resolv.conf",
    "var/lib/dbus/machine-id",
)
LINKS = {
    "etc/ansible/facts.d/terp_kernel.fact": "/run/terp/kernel.json",
    "var/lib/cloud/seed/config_drive": "/run/terp/config_drive",
    "etc/resolv.conf": "../run/systemd/resolve/stub-resolv.conf",
}
MOUNT_POINTS = ("usr/lib/modules",)


def image(packages: Path, progress: Progress) -> Path:
    """Root of the base tree, in the cache; nobody writes to it after it is made.

    Raises:
        TerpError: not root, or the machine is neither Debian nor Ubuntu.
        CommandError: the tree could not be built; its log is kept beside it.
    """
    machine = distribution()
    final = cache_dir() / "images" / key(machine)
    if final.exists():
        return final
    if os.geteuid() != 0:
        raise TerpError("the base image of the servers needs root", hint="run it with sudo")
    with progress.task("base image", expected=60) as task:
        return make_once(final, lambda new: _make(new, packages, machine, task))


def key(machine: Distribution) -> str:
    """What determines the tree: release, architecture, packages, settings."""
    made = hashlib.sha256(Path(__file__).read_bytes())
    for file in _settings():
        made.update(
            f"{file.relative_to(FILES)} {file.stat().st_mode & 0o111:o}\n".encode() + file.read_bytes()
        )
    return f"{machine.codename}-{machine.architecture}-{made.hexdigest()[:12]}"


def _settings() -> list[Path]:
    return sorted(path for path in FILES.rglob("*") if path.is_file())


def _make(new: Path, packages: Path, machine: Distribution, task: Task) -> None:
    work = new / "work"
    tree = new / "tree"
    task.update("installs the distribution")
    sources = Apt(work, machine, "").sources
    log = new.with_name(f"{machine.codename}.log")
    log.unlink(missing_ok=True)
    temporary = work / "tmp"
    temporary.mkdir()
    _mmdebstrap(packages, temporary).log_to(
        log,
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        machine.codename,
        tree,
        sources,
    )
    task.update("applies the settings", 0.9)
    settle(tree)
    shutil.rmtree(work)
    for entry in tree.iterdir():
        entry.rename(new / entry.name)
    tree.rmdir()
    new.chmod(0o755)


def _mmdebstrap(packages: Path, temporary: Path) -> Command:
    """In namespaces of its own: whatever ends it or its caller, no mount and no process of it stays."""
    modules = [packages / "usr/share", packages / "usr/lib", *packages.glob("usr/lib/*-linux-gnu*")]
    perl = [str(path) for folder in modules for name in ("perl", "perl5") for path in _perl(folder / name)]
    return Command(
        (
            *DIES_WITH_CALLER,
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
            str(packages / "usr/bin/mmdebstrap"),
        ),
        timeout=1200,
        env={
            "PATH": f"/usr/sbin:/usr/bin:/sbin:/bin:{packages}/usr/bin",
            "PERL5LIB": ":".join(perl),
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(temporary),
        },
        only=frozenset({"HOME", "http_proxy", "https_proxy", "no_proxy"}),
    )


def _perl(folder: Path) -> list[Path]:
    """Perl keeps modules in the folder (perl5) or in one per version (perl)."""
    return [path for path in sorted(folder.glob("5.*")) if path.is_dir()] or (
        [folder] if folder.is_dir() else []
    )


def settle(tree: Path) -> None:
    """Turn a fresh installation into an image: our settings, and nothing that must differ between servers."""
    for file in _settings():
        target = tree / file.relative_to(FILES)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        target.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
    systemctl = Command(("chroot", str(tree), "systemctl"))
    systemctl.run("enable", *ENABLED)
    systemctl.run("disable", *DISABLED)
    systemctl.run("mask", *MASKED)
    for name in EMPTIED:
        for entry in (tree / name).iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for name in REMOVED:
        (tree / name).unlink(missing_ok=True)
    for file in (*tree.glob("etc/ssh/ssh_host_*"), *(f for f in tree.glob("var/log/**/*") if f.is_file())):
        file.unlink()
    (tree / "etc/machine-id").write_text("")
    for link, where in LINKS.items():
        (tree / link).parent.mkdir(parents=True, exist_ok=True)
        (tree / link).symlink_to(where)
    for point in MOUNT_POINTS:
        (tree / point).mkdir(parents=True, exist_ok=True)
