"""What of Kubespray's files and images can be made here, from programs that are built of Go modules.

A recipe names the address that Kubespray gives to the version that is pinned: where that is not the version
that a release asks for, it is not built, and the variable that would take ours is named.
"""

import gzip
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from terp.environment.kubernetes import EMBEDDED_VERSIONS
from terp.kubernetes.embedded.bundle import COMPONENTS, NEWEST, REGISTRY
from terp.kubernetes.mirror.layout import ImageName
from terp.tools import Toolchain
from terp.tools.store import Installed
from terp.tools.versions import Tool

GITHUB = "github.com"
FASTEST = 1
"""Level of gzip: nodes are near their mirror."""


@dataclass(frozen=True)
class Recipe:
    """A file of the programs of one tool.

    `members` are the archive's, by their names in it; without any the file is the program itself. Names have
    `{version}` and `{architecture}`.
    """

    tool: str
    path: str
    variable: str
    members: Mapping[str, str] = field(default_factory=dict)
    program: str = ""

    def at(self, version: str, architecture: str) -> str:
        """The place of a version."""
        return self.path.format(version=version, architecture=architecture)

    def make(self, target: Path, toolchain: Toolchain, architecture: str) -> None:
        """Write the file; equal programs give equal bytes."""
        version = versions(toolchain.tools)[self.tool]
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(f".{target.name}.new")
        if self.program:
            shutil.copyfile(toolchain.path(self.program), new)
        else:
            with (
                new.open("wb") as out,
                gzip.GzipFile("", "wb", FASTEST, out, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w") as archive,
            ):
                for member, program in self.members.items():
                    name = member.format(version=version, architecture=architecture)
                    archive.add(toolchain.path(program).resolve(), name, filter=_plain)
        new.replace(target)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of the machine that it was made on."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755
    return entry


ETCD = "etcd-v{version}-linux-{architecture}"
KUBERNETES = "dl.k8s.io/release/v{version}/bin/linux/{architecture}"
OWN_IMAGES = ("apiserver", "controller-manager", "proxy", "scheduler")
CNI = ("bridge", "host-local", "loopback", "portmap")
RECIPES: Mapping[str, Recipe] = {
    **{
        name: Recipe(COMPONENTS, f"{KUBERNETES}/{name}", "kube_version", program=name)
        for name in ("kubeadm", "kubectl", "kubelet")
    },
    "etcd": Recipe(
        "etcd",
        f"{GITHUB}/etcd-io/etcd/releases/download/v{{version}}/{ETCD}.tar.gz",
        "etcd_version",
        {f"{ETCD}/etcd": "server", f"{ETCD}/etcdctl": "etcdctl", f"{ETCD}/etcdutl": "etcdutl"},
    ),
    "cni": Recipe(
        "cni-plugins",
        f"{GITHUB}/containernetworking/plugins/releases/download/v{{version}}"
        "/cni-plugins-linux-{architecture}-v{version}.tgz",
        "cni_version",
        {name: name for name in CNI},
    ),
    "containerd": Recipe(
        "containerd",
        f"{GITHUB}/containerd/containerd/releases/download/v{{version}}"
        "/containerd-{version}-linux-{architecture}.tar.gz",
        "containerd_version",
        {f"bin/{name}": name for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
    ),
}
"""By the name of the entry in Kubespray's `downloads`."""
IMAGES = {
    **{f"kube-{each}": (COMPONENTS, "v{version}", "kube_version") for each in OWN_IMAGES},
    "coredns/coredns": ("coredns", "v{version}", "coredns_version"),
    "pause": ("pause", "{version}", "pod_infra_version"),
}
"""By its path: the tool that an image is made of, its tag, and the variable that says which one."""


def version_built(version: str) -> str:
    """The version of Kubernetes that is built here for one that is asked for: the newest if not that one."""
    return version if version in EMBEDDED_VERSIONS else NEWEST


def versions(tools: Iterable[Tool | Installed]) -> dict[str, str]:
    """The version of each tool; whichever has Kubernetes' own programs is called by one name."""
    return {COMPONENTS if each.name.startswith(COMPONENTS) else each.name: each.version for each in tools}


def why_not(name: str, path: PurePosixPath, pinned: Mapping[str, str], architecture: str) -> str:
    """Why a file cannot be built here; empty when it can."""
    recipe = RECIPES.get(name)
    if not recipe:
        return "nothing here builds it"
    version = pinned[recipe.tool]
    if recipe.at(version, architecture) == str(path):
        return ""
    return f"{recipe.tool} is built as {version}: {recipe.variable} would take it"


def why_no_image(name: ImageName, pinned: Mapping[str, str]) -> str:
    """Why an image cannot be made here; empty when it can."""
    if name.registry != REGISTRY or name.path not in IMAGES:
        return "nothing here builds it"
    tool, tag, variable = IMAGES[name.path]
    if tag.format(version=pinned[tool]) == name.tag:
        return ""
    return f"{tool} is built as {pinned[tool]}: {variable} would take it"
