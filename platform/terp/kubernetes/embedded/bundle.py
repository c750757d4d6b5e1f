"""What the embedded installer puts on hosts: programs by group, and images.

<bundle>/containerd/, cni-plugins/, kubernetes/    programs
<bundle>/images.json, images/<file>                archives for `ctr images import`
<bundle>/variables.json                            what the playbooks must know of it
"""

import hashlib
import json
import os
from pathlib import Path

from pydantic import JsonValue

from terp.cloud.cached import make_once
from terp.cloud.packages import packages
from terp.environment.kubernetes import EMBEDDED_VERSIONS
from terp.kubernetes.embedded.image import Image, Start, images_of, write_images
from terp.kubernetes.embedded.programs import with_libraries
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


def variables(place: Path, *more: Path) -> dict[str, JsonValue]:
    """What the playbooks must know of a bundle, and of folders with more images."""
    known: dict[str, JsonValue] = json.loads((place / "variables.json").read_bytes())
    images: list[JsonValue] = [image for folder in (place, *more) for image in images_of(folder)]
    return {**known, "bundle": str(place), "images": images}


def _key(toolchain: Toolchain, unpacked: Path) -> str:
    made = hashlib.sha256(unpacked.name.encode())
    for name in ("bundle.py", "image.py", "programs.py", PROTOCOLS.name):
        made.update(Path(__file__).with_name(name).read_bytes())
    for each in toolchain.tools:
        made.update(each.digest.encode())
    return made.hexdigest()[:16]


def _make(new: Path, toolchain: Toolchain, unpacked: Path, task: Task) -> None:
    for folder, names in PROGRAMS.items():
        (new / folder).mkdir()
        for name in names:
            os.link(toolchain.path(name).resolve(), new / folder / name)
    write_images(_images(toolchain, unpacked), new, task)
    versions = _versions(toolchain)
    text = {
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


def _named(path: str) -> str:
    return f"{REGISTRY}/{path}"


def _images(toolchain: Toolchain, unpacked: Path) -> list[Image]:
    """What kubeadm asks for (`kubeadm config images list`), and what asks OpenStack."""
    versions = _versions(toolchain)
    kubernetes = f"v{versions[COMPONENTS]}"

    def program(name: str, own: str = "") -> dict[str, Path]:
        return {f"/usr/local/bin/{name}": toolchain.path(own or name)}

    etcd = {place: file for name, own in ETCD.items() for place, file in program(name, own).items()}
    proxy = {**program("kube-proxy"), **with_libraries(unpacked, "nft"), "/etc/protocols": PROTOCOLS}
    cinder = {**program("cinder-csi-plugin"), **program("csi-node-registrar")}
    for name in MOUNTING:
        cinder |= with_libraries(unpacked, name)
    openstack = f"v{versions['cloud-provider-openstack']}"
    return [
        *(Image(_named(f"{name}:{kubernetes}"), program(name), "control-plane") for name in CONTROL_PLANE),
        Image(_named(f"etcd:{versions['etcd']}-0"), etcd, "control-plane"),
        Image(_named(f"kube-proxy:{kubernetes}"), proxy),
        Image(
            _named(f"coredns/coredns:v{versions['coredns']}"),
            {"/coredns": toolchain.path("coredns")},
            start=Start(("/coredns",)),
        ),
        Image(
            _named(f"pause:{versions['pause']}"),
            {"/pause": toolchain.path("pause")},
            start=Start(("/pause",)),
        ),
        Image(
            _named(f"provider-os/openstack-cloud-controller-manager:{openstack}"),
            program("openstack-cloud-controller-manager"),
            "control-plane",
            part="cloud-controller",
        ),
        Image(_named(f"provider-os/cinder-csi-plugin:{openstack}"), cinder, part="cinder-csi"),
        Image(
            _named(f"provider-os/csi-sidecars:{openstack}"),
            {**program("csi-provisioner"), **program("csi-attacher")},
            "control-plane",
            part="cinder-csi",
        ),
    ]
