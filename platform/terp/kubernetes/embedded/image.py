"""Images of one layer, assembled from programs: no container engine, no registry.

The file is a `docker save` archive, which `ctr images import` reads (Docker Image Specification v1.2). Equal
contents give equal bytes.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_image(
    target: Path, name: str, files: Mapping[str, Path], *, machine: str, entrypoint: Sequence[str] = ()
) -> str:
    """Write an image with these files, by their absolute paths in it; the SHA-256 of its configuration.

    `machine` is the architecture as the kernel calls it (`x86_64`).
    """
    layer = target.with_suffix(".layer")
    try:
        _write_layer(layer, files)
        digest = _digest(layer)
        configuration = {
            "architecture": ARCHITECTURES[machine],
            "os": "linux",
            "config": {"Env": [PATH], "Entrypoint": list(entrypoint)},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
        text = json.dumps(configuration, sort_keys=True).encode()
        identity = hashlib.sha256(text).hexdigest()
        manifest = [{"Config": f"{identity}.json", "RepoTags": [name], "Layers": [f"{digest}.tar"]}]
        with tarfile.open(target, "w") as archive:
            _add(archive, f"{identity}.json", text)
            archive.add(layer, f"{digest}.tar", filter=_plain)
            _add(archive, "manifest.json", json.dumps(manifest).encode())
    finally:
        layer.unlink(missing_ok=True)
    return identity


def _write_layer(layer: Path, files: Mapping[str, Path]) -> None:
    folders = {str(parent)[1:] for place in files for parent in PurePosixPath(place).parents}
    with tarfile.open(layer, "w") as archive:
        for folder in sorted(folders - {""} | {"tmp"}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        for place, file in sorted(files.items()):
            archive.add(file.resolve(), place[1:], filter=_plain)


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
