"""Images in a mirror's folder: a registry that any web server can serve, for one platform.

Manifests are OCI's, also where upstream's are Docker's, which differ in nothing but names.
"""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from pydantic import JsonValue

from terp.errors import TerpError
from terp.kubernetes.mirror.layout import MANIFEST, ImageName
from terp.tools.store import file_digest, write_whole

CONFIGURATION = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
OF_OCI = {
    "application/vnd.docker.container.image.v1+json": CONFIGURATION,
    "application/vnd.docker.image.rootfs.diff.tar": LAYER,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": f"{LAYER}+gzip",
}
"""Docker's media types (Image Manifest Version 2, Schema 2)."""
OWN: dict[str, JsonValue] = {"io.terp.mirror": "own"}
"""Annotation of an image that is not as upstream has it."""
GZIP = b"\x1f\x8b"


def as_oci(manifest: Mapping[str, Any]) -> dict[str, JsonValue]:
    """A manifest of one platform with OCI's media types."""

    def renamed(blob: Mapping[str, Any]) -> dict[str, JsonValue]:
        return {**blob, "mediaType": OF_OCI.get(blob["mediaType"], blob["mediaType"])}

    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": renamed(manifest["config"]),
        "layers": [renamed(layer) for layer in manifest["layers"]],
        "annotations": manifest.get("annotations", {}),
    }


def blobs(manifest: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Digest and size of all that a manifest names."""
    return [(each["digest"], each["size"]) for each in (manifest["config"], *manifest["layers"])]


def whole(name: str) -> str:
    """A name with its registry; without one it is Docker's."""
    first, slash, _ = name.partition("/")
    if slash and (first == "localhost" or set(".:") & set(first)):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


@dataclass(frozen=True)
class Images:
    """The images under a mirror's root."""

    root: Path

    def find(self, name: ImageName) -> Literal["upstream", "own"] | None:
        """Whose an image is, if it is there with all its blobs; they were verified when they were written."""
        try:
            manifest = json.loads((self.root / name.manifest).read_bytes())
            sizes = [(self.root / name.blob(digest)).stat().st_size for digest, _ in blobs(manifest)]
        except (FileNotFoundError, ValueError):
            return None
        if sizes != [size for _, size in blobs(manifest)]:
            return None
        return "own" if OWN.items() <= manifest.get("annotations", {}).items() else "upstream"

    def write(self, name: ImageName, manifest: Mapping[str, Any]) -> None:
        """Put the manifest there, by tag and by digest, when all that it names is there."""
        text = json.dumps(as_oci(manifest), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        for reference in (f"sha256:{digest}", name.tag):
            write_whole(self.root / name.by_reference(reference), text)

    def add(self, archive: Path) -> list[ImageName]:
        """Take the images of an archive (`docker save`); the names that it gives them.

        Raises:
            TerpError: it is none.
        """
        try:
            with tarfile.open(archive) as packed:
                listed = json.load(_member(packed, "manifest.json"))
                return [name for each in listed for name in self._add(packed, each)]
        except (OSError, tarfile.TarError, KeyError, ValueError) as error:
            raise TerpError(f"{archive} is no archive of images: {error}", exit_code=2) from error

    def _add(self, packed: tarfile.TarFile, listed: Mapping[str, Any]) -> list[ImageName]:
        names = [ImageName.read(whole(each)) for each in listed["RepoTags"]]
        for name in names:
            config = self._keep(packed, listed["Config"], name)
            layers = [self._keep(packed, layer, name) for layer in listed["Layers"]]
            manifest = {
                "config": {"mediaType": CONFIGURATION, **_without_kind(config)},
                "layers": [
                    {"mediaType": f"{LAYER}+gzip" if layer["gzip"] else LAYER, **_without_kind(layer)}
                    for layer in layers
                ],
                "annotations": OWN,
            }
            self.write(name, manifest)
        return names

    def _keep(self, packed: tarfile.TarFile, member: str, name: ImageName) -> dict[str, Any]:
        """Write a file of the archive as a blob."""
        new = self.root / name.blob(f".{PurePosixPath(member).name}.new")
        new.parent.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as out:
            shutil.copyfileobj(_member(packed, member), out, 1 << 20)
        with new.open("rb") as content:
            zipped = content.read(len(GZIP)) == GZIP
        blob: dict[str, Any] = {
            "digest": f"sha256:{file_digest(new)}",
            "size": new.stat().st_size,
            "gzip": zipped,
        }
        new.replace(self.root / name.blob(blob["digest"]))
        return blob


def _member(packed: tarfile.TarFile, name: str) -> IO[bytes]:
    found = packed.extractfile(name)
    if found is None:
        raise KeyError(name)
    return found


def _without_kind(blob: Mapping[str, Any]) -> dict[str, Any]:
    return {"digest": blob["digest"], "size": blob["size"]}
