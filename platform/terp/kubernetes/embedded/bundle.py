"""What the embedded installer puts on hosts: programs by group, and images.

<bundle>/containerd/, cni-plugins/, kubernetes/    programs
<bundle>/images/<file>                             archives for `ctr images import`
<bundle>/variables.json                            what the playbooks must know of it
"""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from terp.cloud.cached import make_once
from terp.cloud.packages import libraries, packages, tool
from terp.command import Command
from terp.environment.kubernetes import EMBEDDED_VERSIONS
from terp.kubernetes.embedded.image import write_image
from terp.paths import cache_dir
from terp.progress import Progress, Task
from terp.tools import Toolchain, sync

NEWEST = EMBEDDED_VERSIONS[0]
COMPONENTS = "kubernetes-components"
"""The tool that has Kubernetes' own programs; that of an older minor version has its number behind it."""
REGISTRY = "registry.k8s.io"
"""Where kubeadm takes images to be from."""
PROGRAMS = {
    "containerd": ("containerd", "containerd-shim-runc-v2", "ctr"),
    "cni-plugins": ("bridge", "host-local", "loopback", "portmap"),
    "kubernetes": ("kubeadm", "kubectl", "kubelet"),
}
"""On hosts, by folder."""
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
ETCD = {"etcd": "server", "etcdctl": "etcdctl", "etcdutl": "etcdutl"}
"""By its name in the image, a program as Go calls it."""


PROTOCOLS = Path(__file__).with_name("protocols")
"""By which nft in kube-proxy's image knows names."""
MOUNTING = ("blkid", "findmnt", "fsck", "fsck.ext4", "mkfs.ext4", "mount", "resize2fs", "umount")
"""Programs of the distribution by which the Cinder plugin brings volumes to pods."""
Part = Literal["", "cloud-controller", "cinder-csi"]
"""What only some clusters have."""


@dataclass(frozen=True)
class Image:
    """An image: its name in the registry, its files by their places, and who needs it."""

    name: str
    files: Mapping[str, Path]
    where: Literal["control-plane", "node"] = "node"
    entrypoint: tuple[str, ...] = ()
    part: Part = ""

    def write(self, folder: Path) -> dict[str, JsonValue]:
        """Write its archive into a folder; what the playbooks must know of it."""
        name = f"{REGISTRY}/{self.name}"
        file = f"{self.name.replace('/', '-').replace(':', '-')}.tar"
        digest = write_image(
            folder / file, name, self.files, machine=platform.machine(), entrypoint=self.entrypoint
        )
        return {"name": name, "file": file, "where": self.where, "part": self.part, "digest": digest}


def bundle(version: str, progress: Progress) -> Path:
    """The bundle of a version of Kubernetes, in the cache; tools that are missing are installed.

    Raises:
        TerpError: a tool could not be had.
        CommandError: a package could not be downloaded.
    """
    toolchain = sync(purpose(version), progress)
    unpacked = packages(progress)
    final = cache_dir() / "embedded" / _key(toolchain, unpacked)
    if final.exists():
        return final
    with progress.task("images of Kubernetes", expected=15) as task:
        return make_once(final, lambda new: _make(new, toolchain, unpacked, task))


def purpose(version: str) -> str:
    """The purpose of the tools that are needed for a version of Kubernetes."""
    return "embedded" if version == NEWEST else f"embedded-{version.rpartition('.')[0]}"


def variables(place: Path) -> dict[str, JsonValue]:
    """What the playbooks must know of a bundle."""
    known: dict[str, JsonValue] = json.loads((place / "variables.json").read_bytes())
    return {**known, "bundle": str(place)}


def _key(toolchain: Toolchain, unpacked: Path) -> str:
    made = hashlib.sha256(unpacked.name.encode())
    for file in (Path(__file__), Path(__file__).with_name("image.py"), PROTOCOLS):
        made.update(file.read_bytes())
    for each in toolchain.tools:
        made.update(each.digest.encode())
    return made.hexdigest()[:16]


def _make(new: Path, toolchain: Toolchain, unpacked: Path, task: Task) -> None:
    for folder, names in PROGRAMS.items():
        (new / folder).mkdir()
        for name in names:
            os.link(toolchain.path(name).resolve(), new / folder / name)
    (new / "images").mkdir()
    known: list[JsonValue] = []
    images = _images(toolchain, unpacked)
    for number, image in enumerate(images):
        task.update(image.name, number / len(images))
        known.append(image.write(new / "images"))
    versions = _versions(toolchain)
    text = {
        "images": known,
        "pause_image": f"{REGISTRY}/pause:{versions['pause']}",
        "etcd_image_tag": f"{versions['etcd']}-0",
        "coredns_image_tag": f"v{versions['coredns']}",
    }
    (new / "variables.json").write_text(json.dumps(text, indent=1) + "\n")


def _versions(toolchain: Toolchain) -> dict[str, str]:
    """By tool; whichever has Kubernetes' own programs is called by one name."""
    names = {
        each.name: COMPONENTS if each.name.startswith(COMPONENTS) else each.name for each in toolchain.tools
    }
    return {names[each.name]: each.version for each in toolchain.tools}


def _images(toolchain: Toolchain, unpacked: Path) -> list[Image]:
    """What kubeadm asks for (`kubeadm config images list`), and what asks OpenStack."""
    versions = _versions(toolchain)
    kubernetes = f"v{versions[COMPONENTS]}"

    def program(name: str, own: str = "") -> dict[str, Path]:
        return {f"/usr/local/bin/{name}": toolchain.path(own or name)}

    etcd = {place: file for name, own in ETCD.items() for place, file in program(name, own).items()}
    proxy = {**program("kube-proxy"), **_with_libraries(unpacked, "nft"), "/etc/protocols": PROTOCOLS}
    cinder = {**program("cinder-csi-plugin"), **program("csi-node-registrar")}
    for name in MOUNTING:
        cinder |= _with_libraries(unpacked, name)
    openstack = f"v{versions['cloud-provider-openstack']}"
    return [
        *(Image(f"{name}:{kubernetes}", program(name), "control-plane") for name in CONTROL_PLANE),
        Image(f"etcd:{versions['etcd']}-0", etcd, "control-plane"),
        Image(f"kube-proxy:{kubernetes}", proxy),
        Image(
            f"coredns/coredns:v{versions['coredns']}",
            {"/coredns": toolchain.path("coredns")},
            entrypoint=("/coredns",),
        ),
        Image(f"pause:{versions['pause']}", {"/pause": toolchain.path("pause")}, entrypoint=("/pause",)),
        Image(
            f"provider-os/openstack-cloud-controller-manager:{openstack}",
            program("openstack-cloud-controller-manager"),
            "control-plane",
            part="cloud-controller",
        ),
        Image(f"provider-os/cinder-csi-plugin:{openstack}", cinder, part="cinder-csi"),
        Image(
            f"provider-os/csi-sidecars:{openstack}",
            {**program("csi-provisioner"), **program("csi-attacher")},
            "control-plane",
            part="cinder-csi",
        ),
    ]


def _with_libraries(unpacked: Path, name: str) -> dict[str, Path]:
    """A program of the distribution and the libraries that it is linked with (ldd(1)), by their places."""
    program = Path(tool(unpacked, name).argv[0])
    linked = Command(("ldd",), env=libraries(unpacked)).output(program)
    files = {f"/usr/sbin/{name}": program}
    for line in linked.splitlines():  # `libc.so.6 => /lib/…/libc.so.6 (0x…)`, or the loader's own path alone
        wanted, _, found = line.strip().rpartition(" (")[0].partition(" => ")
        if found.startswith("/"):
            files[f"/usr/lib/{platform.machine()}-linux-gnu/{wanted}"] = Path(found)
        elif wanted.startswith("/"):
            files[wanted] = Path(wanted)
    return files
