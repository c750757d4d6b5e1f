"""The distribution's packages that the cloud and images need: downloaded and unpacked, never installed.

apt works here with lists, cache and status of its own: this needs no root, no earlier `apt-get update`, and
leaves the machine as it was.
"""

import hashlib
import os
import shutil
from pathlib import Path

from terp.cloud.cached import make_once
from terp.cloud.distribution import STATUS, Distribution, distribution, essential, stanzas
from terp.command import Command
from terp.errors import TerpError
from terp.paths import cache_dir
from terp.progress import Progress, Task

NAMES = (
    "dnsmasq-base",
    "e2fsprogs",
    "haproxy",
    "iproute2",
    "kmod",
    "mariadb-server",
    "mmdebstrap",
    "nftables",
    "openssh-client",
    "systemd-container",
    "tinyproxy-bin",
    "util-linux",
)
"""What the cloud runs."""
UNUSED = ("doc", "info", "lintian", "locale", "man")
"""Folders of usr/share that nothing here reads."""
DIES_WITH_CALLER = ("setpriv", "--pdeathsig", "KILL")
"""Before a program that must not go on writing into a tree when whoever makes that tree has been killed."""
LIST = "packages.txt"
"""In the root: name and version of each package that was unpacked."""


def packages(progress: Progress, names: tuple[str, ...] = NAMES) -> Path:
    """Root of the unpacked packages, in the cache: these, and all they need that not every machine has.

    Raises:
        TerpError: the machine is neither Debian nor Ubuntu.
        CommandError: apt could not download them.
    """
    machine = distribution()
    final = cache_dir() / "packages" / key(machine, names)
    if final.exists():
        return final
    with progress.task("distribution packages", expected=25) as task:
        return make_once(final, lambda new: _make(new, machine, names, task))


def key(machine: Distribution, names: tuple[str, ...] = NAMES) -> str:
    """What determines the root: packages, release, architecture, and how it is made."""
    made = hashlib.sha256(b"".join([*(name.encode() for name in names), Path(__file__).read_bytes()]))
    return f"{machine.codename}-{machine.architecture}-{made.hexdigest()[:12]}"


def tool(root: Path, name: str, *, timeout: float = 60.0) -> Command:
    """A program of the unpacked packages, or the machine's own when they do not have it.

    Raises:
        TerpError: neither has it.
    """
    for folder in ("usr/sbin", "usr/bin"):
        if (root / folder / name).exists():
            return Command((str(root / folder / name),), timeout=timeout, env=libraries(root))
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if not found:
        raise TerpError(f"the program {name} is missing on this machine")
    return Command((found,), timeout=timeout)


def libraries(root: Path) -> dict[str, str]:
    """The environment in which programs of the unpacked packages find their libraries."""
    folders = [
        path for found in sorted(root.glob("usr/lib/*-linux-gnu*")) for path in (found, found / "systemd")
    ]
    return {"LD_LIBRARY_PATH": ":".join(map(str, folders))}


def _make(new: Path, machine: Distribution, names: tuple[str, ...], task: Task) -> None:
    work = new / ".apt"
    base = essential(STATUS.read_text())
    apt = Apt(work, machine, base)
    task.update("reads the package lists")
    apt.update()
    task.update("downloads")
    archives = apt.download(names)
    for folder in ("bin", "lib", "lib64", "sbin"):
        (new / "usr" / folder).mkdir(parents=True, exist_ok=True)
        (new / folder).symlink_to(f"usr/{folder}")
    present = {fields["package"] for fields in stanzas(base)}
    unpacked = []
    for number, archive in enumerate(archives):
        name, version, *_ = archive.name.split("_")
        if name in present:
            continue  # a newer C library must not come between the machine's own and its loader
        task.update(f"unpacks {name}", 0.4 + 0.6 * number / len(archives))
        unpack(archive, new)
        unpacked.append(f"{name} {version.replace('%3a', ':')}")
    _settle(new)
    shutil.rmtree(work)
    (new / LIST).write_text("\n".join(sorted(unpacked)) + "\n")


def unpack(archive: Path, root: Path) -> None:
    """Unpack one package where bin, lib and sbin are links into usr."""
    script = 'dpkg-deb --fsys-tarfile "$1" | tar --extract --keep-directory-symlink --no-same-owner -C "$2"'
    excluded = [f"--exclude=./usr/share/{folder}/*" for folder in UNUSED]
    Command(("bash", "-o", "pipefail", "-c", f'{script} "${{@:3}}"', "unpack"), timeout=120).run(
        archive, root, *excluded
    )


def _settle(root: Path) -> None:
    """Make the unpacked files fit for a place outside the system's own directories.

    No program may run as somebody else from there, and a link to /bin/x means the file in the root.
    """
    for folder, folders, names in os.walk(root):
        for path in (Path(folder, name) for name in [*folders, *names]):
            if path.is_symlink():
                target = path.readlink()
                if target.is_absolute() and (root / target.relative_to("/")).exists():
                    path.unlink()
                    path.symlink_to(os.path.relpath(root / target.relative_to("/"), folder))
            elif path.stat().st_mode & 0o6000:
                path.chmod(path.stat().st_mode & 0o1777)


class Apt:
    """apt-get with all of its state in one directory, and the release's own sources only."""

    def __init__(self, work: Path, machine: Distribution, status: str) -> None:
        for folder in ("state/lists/partial", "cache/archives/partial", "keys"):
            (work / folder).mkdir(parents=True)
        self._archives = work / "cache/archives"
        self.sources = work / "sources.list"
        self.sources.write_text("".join(f"{each.line(work / 'keys')}\n" for each in machine.sources))
        (work / "status").write_text(status)
        settings = work / "apt.conf"
        settings.write_text(_settings(work))
        self._apt = Command(
            (*DIES_WITH_CALLER, "apt-get", "-q", "-y", "-c", str(settings)),
            timeout=900,
            env={"LC_ALL": "C.UTF-8"},
        )

    def update(self) -> None:
        """Fetch the package lists."""
        self._apt.run("update", "--error-on=any")

    def download(self, names: tuple[str, ...]) -> list[Path]:
        """Fetch packages and all they need beyond the status; returns the archives."""
        self._apt.run("install", "--download-only", "--no-install-recommends", *names)
        return sorted(self._archives.glob("*.deb"))


def _settings(work: Path) -> str:
    hooks = ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success")
    lines = [f"#clear {hook};" for hook in (*hooks, "DPkg::Pre-Install-Pkgs", "DPkg::Post-Invoke")]
    values = {
        "Dir::State": work / "state",
        "Dir::State::status": work / "status",
        "Dir::State::extended_states": work / "extended_states",
        "Dir::Cache": work / "cache",
        "Dir::Cache::archives": "archives",
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Log": work,
        "APT::Sandbox::User": "root",
        "APT::Keep-Downloaded-Packages": "true",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Acquire::http::Timeout": "30",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
        "Debug::NoLocking": "true",
    }
    return "\n".join([*lines, *(f'{name} "{value}";' for name, value in values.items())]) + "\n"
