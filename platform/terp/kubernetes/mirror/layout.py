"""Where a mirror has what: the paths that Kubespray's offline variables and containerd ask for.

<host>/<path of the address>                                  files, as upstream's addresses say
v2/<path of the image>/manifests/<tag or digest>              images (OCI Distribution Specification 1.1)
v2/<path of the image>/blobs/<digest>
own.sha256                                                    files that are not upstream's (sha256sum)

Names of images stay as they are: containerd says the registry in the query (`?ns=`), so that images of all
registries share the folder `v2`.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from terp.errors import TerpError

OWN = "own.sha256"
"""At the mirror's root."""
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
"""The media type of every manifest in a mirror, whatever upstream's was: a server needs one rule."""
NAMED = re.compile(r"(?P<registry>[^/@:]+(:\d+)?)/(?P<path>[^@:]+):(?P<tag>[\w][\w.-]*)")
SUM = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<path>\S+)")


@dataclass(frozen=True)
class ImageName:
    """`registry.k8s.io/coredns/coredns:v1.14.2` in its parts."""

    registry: str
    path: str
    tag: str

    @classmethod
    def read(cls, text: str) -> "ImageName":
        """The parts of a whole name.

        Raises:
            TerpError: it has no registry or no tag.
        """
        if not (found := NAMED.fullmatch(text)):
            raise TerpError(f"{text!r} is no name of an image with registry and tag", exit_code=2)
        return cls(found["registry"], found["path"], found["tag"])

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}:{self.tag}"

    @property
    def manifest(self) -> PurePosixPath:
        """The place of what the tag means."""
        return self.by_reference(self.tag)

    def by_reference(self, reference: str) -> PurePosixPath:
        """The place of a manifest by its tag or digest."""
        return PurePosixPath("v2") / self.path / "manifests" / reference

    def blob(self, digest: str) -> PurePosixPath:
        """The place of a layer or configuration."""
        return PurePosixPath("v2") / self.path / "blobs" / digest


def place(url: str) -> PurePosixPath:
    """The place of a file that upstream has at `url`."""
    parts = urlsplit(url)
    return PurePosixPath(parts.netloc + parts.path)


def read_sums(text: str) -> dict[str, str]:
    """SHA-256 by path, of the lines that `sha256sum` writes and `sha256sum --check` reads."""
    return {found["path"]: found["sha256"] for line in text.splitlines() if (found := SUM.fullmatch(line))}


def write_sums(sums: dict[str, str]) -> str:
    """The lines that `read_sums` reads."""
    return "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(sums.items()))
