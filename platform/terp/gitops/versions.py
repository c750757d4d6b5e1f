"""What `charts/versions.yaml` says: every upstream of the platform, its address and its version."""

import re
from typing import Annotated

from pydantic import Discriminator, Field, StringConstraints, Tag

from terp.environment.fields import Commit, Https, Name
from terp.gitops.component import Image
from terp.model import Model

CHARTS = r"^(https|oci)://[^\s/?#@]+(/[^\s?#]*)?$"
GIT, HELM, IMAGE = "git repository", "chart repository", "image repository"
Version = Annotated[str, StringConstraints(pattern=r"^v?\d+(\.\d+)+([-+][0-9A-Za-z.-]+)?$")]
ImageTag = Annotated[
    str,
    StringConstraints(
        pattern=r"^(v?\d+(\.\d+)+([-+][0-9A-Za-z.-]+)?|RELEASE\.\d{4}(-\d\d){2}T\d\d(-\d\d){2}Z)$"
    ),
]
"""A version, or a moment as MinIO has it."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ChartRepository(Model):
    """A Helm repository; charts of one upstream have one version."""

    charts: Annotated[str, StringConstraints(pattern=CHARTS)] = Field(
        title="Charts", description="Address of the repository.", examples=["https://charts.jetstack.io"]
    )
    version: Version = Field(title="Version", description="Of its charts.", examples=["v1.20.3"])
    digests: dict[Name, Sha256] = Field(
        {},
        title="Digests",
        description="SHA-256 of a chart's archive, where one is known.",
        examples=[{"harbor": "0" * 64}],
    )


class GitRepository(Model):
    """A git repository at a tag, and the commit that the tag must stand at."""

    git: Https = Field(
        title="Git", description="Address of the repository.", examples=["https://github.com/istio/istio"]
    )
    version: Version = Field(title="Version", description="The tag.", examples=["v1.6.1"])
    commit: Commit = Field(
        title="Commit",
        description="What is taken: tags can be moved.",
        examples=["8bb74df00e56ec8f944d48c25e6c1c9c2f6848e3"],
    )

    @property
    def name(self) -> str:
        """`kubeflow/community-distribution`: its owner and name, which a mirror keeps."""
        return re.sub(r"^https://[^/]+/|(\.git)?/?$", "", self.git)


class ImageRepository(Model):
    """An image that a chart of ours runs."""

    image: Image = Field(
        title="Image", description="Its repository.", examples=["docker.io/chrislusf/seaweedfs"]
    )
    version: ImageTag = Field(title="Version", description="The tag.", examples=["4.44"])
    digest: Sha256 | None = Field(
        None,
        title="Digest",
        description="SHA-256 of its manifest, where one is known.",
        examples=["0" * 64],
    )


def _kind(value: object) -> str:
    """By the key that names the repository; of what is neither, the commonest."""
    kinds = {"git": GIT, "image": IMAGE}
    return next((kind for key, kind in kinds.items() if isinstance(value, dict) and key in value), HELM)


Upstream = Annotated[
    Annotated[ChartRepository, Tag(HELM)]
    | Annotated[GitRepository, Tag(GIT)]
    | Annotated[ImageRepository, Tag(IMAGE)],
    Discriminator(_kind),
]
