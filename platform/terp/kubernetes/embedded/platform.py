"""Images of what a platform runs on hosts that reach no registry: Argo CD, its cache, and stand-ins.

Argo CD's image has what upstream's has (its Dockerfile, 3.5) but the pages of the web UI, SSH and Git LFS.
Programs of the distribution come with their libraries alone. The names are those of upstream's manifests.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from terp.cloud.cached import make_once
from terp.cloud.packages import packages
from terp.errors import TerpError
from terp.kubernetes.embedded.image import Content, Folder, Image, Link, Start, write_images
from terp.kubernetes.embedded.programs import linked, with_libraries
from terp.paths import cache_dir
from terp.progress import Progress, Task
from terp.tools import Toolchain, sync

PURPOSE = "embedded-platform"
NAMES = ("ca-certificates", "git", "gpg", "gpg-agent", "tini")
"""Packages of the distribution."""
STAND_IN = "docker.io/library/stand-in:1"
"""What `stand-in:1` in a manifest means."""
NOBODY, OWNER = 65534, 999
"""Who stand-ins run as, and who Argo CD does."""
ROLES = (
    "application-controller",
    "applicationset-controller",
    "cmp-server",
    "commit-server",
    "dex",
    "git-ask-pass",
    "k8s-auth",
    "notifications",
    "repo-server",
    "server",
)
"""By which name Argo CD's program does what."""
SHELL = ("basename", "cat", "cp", "dirname", "env", "ln", "mkdir", "mv", "rm", "sed", "sh", "uname")
"""What init containers, Argo CD's scripts and git's own call."""
GIT = "usr/lib/git-core"
GIT_PROGRAMS = ("git-remote-http", "git-sh-i18n--envsubst")
GIT_SCRIPTS = ("git-sh-i18n", "git-sh-setup", "git-submodule")
"""What git runs that is not in the program itself."""
TEMPLATES = "usr/share/git-core/templates"
AUTHORITIES = "usr/share/ca-certificates"
CONFIGURATION = "/app/config"
ACCOUNTS = {
    "/etc/passwd": f"root:x:0:0::/root:/bin/sh\nargocd:x:{OWNER}:{OWNER}::/home/argocd:/bin/sh\n".encode(),
    "/etc/group": f"root:x:0:\nargocd:x:{OWNER}:\n".encode(),
}


def platform_images(progress: Progress) -> Path:
    """A folder of images (`write_images`), in the cache; tools that are missing are installed.

    Raises:
        TerpError: a tool could not be had.
        CommandError: a package could not be downloaded.
    """
    toolchain = sync(PURPOSE, progress)
    unpacked = packages(progress, NAMES)
    final = cache_dir() / "embedded" / _key(toolchain, unpacked)
    if final.exists():
        return final
    with progress.task("images of the platform", expected=15) as task:
        return make_once(final, lambda new: _make(new, toolchain, unpacked, task))


def images(toolchain: Toolchain, unpacked: Path) -> tuple[Image, ...]:
    """What runs in the pods."""
    manifest = toolchain.path("install.yaml").read_text()
    return (
        Image(
            named(manifest, "argocd"),
            argo_cd(toolchain, unpacked),
            start=Start(
                ("/usr/bin/tini", "--"), OWNER, "/home/argocd", {"GRPC_ENABLE_TXT_SERVICE_CONFIG": "false"}
            ),
        ),
        Image(
            named(manifest, "redis"),
            {"/usr/local/bin/redis-server": toolchain.path("redis")},
            start=Start(("/usr/local/bin/redis-server",), OWNER),
        ),
        Image(STAND_IN, {"/stand-in": toolchain.path("stand-in")}, start=Start(("/stand-in",), NOBODY)),
    )


def named(manifest: str, path: str) -> str:
    """The image with this last part of its path, as a manifest names it.

    Raises:
        TerpError: it has none.
    """
    found = re.search(rf"^\s+image: (\S+/{path}:\S+)$", manifest, re.MULTILINE)
    if not found:
        raise TerpError(f"Argo CD's manifests have no image {path!r}")
    return found[1]


def argo_cd(toolchain: Toolchain, unpacked: Path) -> Mapping[str, Content]:
    """What is in Argo CD's image."""
    programs = ("argocd", "helm", "kustomize", "git-verify-wrapper.sh", "gpg-wrapper.sh")
    return {
        **{f"/usr/local/bin/{name}": toolchain.path(name) for name in programs},
        **{f"/usr/local/bin/argocd-{role}": Link("argocd") for role in ROLES},
        **_distribution(unpacked),
        **_git(unpacked),
        **_configuration(),
        "/etc/ssl/certs/ca-certificates.crt": _authorities(unpacked),
    }


def _distribution(unpacked: Path) -> Mapping[str, Content]:
    """Programs of the distribution, where it has them."""
    found: dict[str, Content] = {"/bin": Link("usr/bin")}
    for name in (*SHELL, "git", "gpg", "gpg-agent", "tini"):
        found |= with_libraries(unpacked, name, f"/usr/bin/{name}")
    return found


def _git(unpacked: Path) -> Mapping[str, Content]:
    """What git needs beside itself to fetch over HTTP."""
    found: dict[str, Content] = {f"/{GIT}/git-remote-https": Link("git-remote-http")}
    for name in GIT_PROGRAMS:
        found |= {f"/{GIT}/{name}": unpacked / GIT / name, **linked(unpacked, unpacked / GIT / name)}
    found |= {f"/{GIT}/{name}": unpacked / GIT / name for name in GIT_SCRIPTS}
    templates = (file for file in sorted((unpacked / TEMPLATES).rglob("*")) if file.is_file())
    found |= {f"/{file.relative_to(unpacked)}": file for file in templates}
    return found


def _configuration() -> Mapping[str, Content]:
    """Who runs it, and where its settings are mounted."""
    return {
        **ACCOUNTS,
        "/home/argocd": Folder(OWNER, 0o775),
        f"{CONFIGURATION}/gpg/source": Folder(),
        f"{CONFIGURATION}/gpg/keys": Folder(OWNER, 0o700),
        f"{CONFIGURATION}/ssh": Folder(),
        f"{CONFIGURATION}/tls": Folder(),
        "/etc/ssh/ssh_known_hosts": Link(f"{CONFIGURATION}/ssh/ssh_known_hosts"),
    }


def _authorities(unpacked: Path) -> bytes:
    """One file of all, as the package would make it when it is installed."""
    files = sorted((unpacked / AUTHORITIES).rglob("*.crt"))
    return b"".join(file.read_bytes().strip() + b"\n" for file in files)


def _key(toolchain: Toolchain, unpacked: Path) -> str:
    made = hashlib.sha256(unpacked.name.encode())
    for name in ("platform.py", "image.py", "programs.py"):
        made.update(Path(__file__).with_name(name).read_bytes())
    for each in toolchain.tools:
        made.update(each.digest.encode())
    return made.hexdigest()[:16]


def _make(new: Path, toolchain: Toolchain, unpacked: Path, task: Task) -> None:
    write_images(images(toolchain, unpacked), new, task)
