"""Images of one layer, assembled from programs: no container engine, no registry.

The file is a `docker save` archive, which `ctr images import` reads (Docker Image Specification v1.2). Equal
contents give equal bytes.
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import JsonValue

from terp.progress import Task

ARCHIVES, LIST = "images", "images.json"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
Part = Literal["", "cloud-controller", "cinder-csi"]
"""What only some clusters have."""


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class Folder:
    """A folder that belongs to somebody, or that no file is in."""

    owner: int = 0
    mode: int = 0o755


Content = Path | bytes | Link | Folder
"""A file of this machine, a text, a link, a folder."""


@dataclass(frozen=True)
class Start:
    """How its containers begin."""

    entrypoint: tuple[str, ...] = ()
    user: int = 0
    folder: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, JsonValue]:
        """As the image's configuration has it."""
        variables = {"PATH": PATH, **self.variables}
        said: dict[str, JsonValue] = {
            "Env": [f"{name}={value}" for name, value in variables.items()],
            "Entrypoint": [*self.entrypoint],
        }
        if self.user:
            said["User"] = str(self.user)
        if self.folder:
            said["WorkingDir"] = self.folder
        return said


@dataclass(frozen=True)
class Image:
    """An image: its whole name, what it has at which places, how it starts, and who needs it."""

    name: str
    contents: Mapping[str, Content]
    where: Literal["control-plane", "node"] = "node"
    start: Start = Start()
    part: Part = ""

    def write(self, folder: Path) -> dict[str, JsonValue]:
        """Write its archive into a folder; what the playbooks must know of it."""
        path = self.name.partition("/")[2]
        file = f"{path.replace('/', '-').replace(':', '-')}.tar"
        digest = write_image(folder / file, self, platform.machine())
        return {"name": self.name, "file": file, "where": self.where, "part": self.part, "digest": digest}


def write_images(images: Sequence[Image], folder: Path, task: Task) -> None:
    """Write archives, and beside them a list of what they are."""
    (folder / ARCHIVES).mkdir()
    known = []
    for number, image in enumerate(images):
        task.update(image.name, number / len(images))
        known.append(image.write(folder / ARCHIVES))
    (folder / LIST).write_text(json.dumps(known, indent=1) + "\n")


def images_of(folder: Path) -> list[dict[str, JsonValue]]:
    """What the playbooks must know of the images that were written into a folder."""
    known: list[dict[str, str]] = json.loads((folder / LIST).read_bytes())
    return [{**each, "archive": str(folder / ARCHIVES / each["file"])} for each in known]


def write_image(target: Path, image: Image, machine: str) -> str:
    """Write an image; the SHA-256 of its configuration.

    `machine` is the architecture as the kernel calls it (`x86_64`).
    """
    layer = target.with_suffix(".layer")
    try:
        _write_layer(layer, image.contents)
        digest = _digest(layer)
        configuration = {
            "architecture": ARCHITECTURES[machine],
            "os": "linux",
            "config": image.start.settings(),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
        text = json.dumps(configuration, sort_keys=True).encode()
        identity = hashlib.sha256(text).hexdigest()
        manifest = [{"Config": f"{identity}.json", "RepoTags": [image.name], "Layers": [f"{digest}.tar"]}]
        with tarfile.open(target, "w") as archive:
            _add(archive, f"{identity}.json", text)
            archive.add(layer, f"{digest}.tar", filter=_plain)
            _add(archive, "manifest.json", json.dumps(manifest).encode())
    finally:
        layer.unlink(missing_ok=True)
    return identity


def _write_layer(layer: Path, contents: Mapping[str, Content]) -> None:
    above = {str(parent): Folder() for place in contents for parent in PurePosixPath(place).parents}
    own = {place: each for place, each in contents.items() if isinstance(each, Folder)}
    folders = {**above, "/tmp": Folder(mode=0o1777), **own}  # noqa: S108 (the container's)
    with tarfile.open(layer, "w") as archive:
        for place, folder in sorted(folders.items()):
            if place != "/":
                entry = tarfile.TarInfo(place[1:])
                entry.type, entry.mode, entry.uid = tarfile.DIRTYPE, folder.mode, folder.owner
                entry.gid = folder.owner
                archive.addfile(entry)
        for place, each in sorted(contents.items()):
            match each:
                case Path():
                    archive.add(each.resolve(), place[1:], filter=_plain)
                case bytes():
                    _add(archive, place[1:], each)
                case Link(target=target):
                    entry = tarfile.TarInfo(place[1:])
                    entry.type, entry.linkname = tarfile.SYMTYPE, target
                    archive.addfile(_plain(entry))


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of the machine that it was made on."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755
    return entry


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(_plain(entry), io.BytesIO(content))


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
