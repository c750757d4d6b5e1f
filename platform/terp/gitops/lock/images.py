"""Images of rendered manifests: those of pods, and those that others are told to run.

Operators are told by a field of their own kind, an argument, a variable or a ConfigMap. What a field is
called says little there, so what a component declares (`images`) is sought in all its text, and what looks
like an image in a field `image` is taken for one.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import Field

from terp.gitops.catalogue import Catalogue
from terp.gitops.references.made import CRD
from terp.gitops.references.things import Manifest, each, pod_of
from terp.gitops.versions import ImageRepository
from terp.model import Model

CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
HUB = "docker.io"
INJECTED = "auto"
"""Stands where Istio's webhook puts its own image (Istio 1.30, gateway injection)."""
TAG, DIGEST = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", r"sha256:[0-9a-f]{64}"
NAME = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
REFERENCE = re.compile(
    rf"(?P<repository>(?:[A-Za-z0-9.-]+(?::\d+)?/)?{NAME}(?:/{NAME})*)(?::(?P<tag>{TAG}))?(?:@(?P<digest>{DIGEST}))?"
)
"""The grammar of distribution (distribution/reference 3.0)."""
IN_PARTS = (
    ("repository", "image", "version"),
    ("registry", "repository", "tag"),
    ("repository", "name", "tag"),
)
"""How fields of one mapping make an image: of the GPU operator, of charts."""


class Image(NamedTuple):
    """A reference to an image; its repository has its registry."""

    repository: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        tag, digest = f":{self.tag}" if self.tag else "", f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


class LockedImage(Model):
    """An image that the manifests of an environment name."""

    repository: str = Field(description="With its registry.")
    tag: str | None = Field(description="None where it is told without one.")
    digest: str | None = Field(description="That of the reference, or of versions.yaml.")
    components: tuple[str, ...] = Field(description="Whose manifests name it.")
    undeclared: tuple[str, ...] = Field(description="Those of them that do not declare its repository.")


class ImageLock(Model):
    """All images of an environment."""

    stack: str = Field(description="The environment.")
    images: tuple[LockedImage, ...] = Field(description="By repository and tag.")
    unseen: dict[str, tuple[str, ...]] = Field(
        description="By component, repositories that it declares and that its manifests do not name."
    )
    failed: dict[str, str] = Field(description="By component, why it could not be rendered.")


def images(
    stack: str,
    manifests: Mapping[str, Sequence[Manifest]],
    catalogue: Catalogue,
    failed: Mapping[str, str] | None = None,
) -> ImageLock:
    """The lock, by the manifests of each component."""
    declared = {
        name: [found.repository for each in catalogue.components[name].images if (found := parse(each))]
        for name in manifests
    }
    by_component = {name: set(_named(objects, declared[name])) for name, objects in manifests.items()}
    users: defaultdict[Image, list[str]] = defaultdict(list)
    for name, its in by_component.items():
        for image in its:
            users[image].append(name)
    digests = {
        (each.image, each.version): f"sha256:{each.digest}"
        for each in catalogue.upstreams.values()
        if isinstance(each, ImageRepository) and each.digest
    }
    return ImageLock(
        stack=stack,
        images=tuple(
            LockedImage(
                repository=image.repository,
                tag=image.tag,
                digest=image.digest or digests.get((image.repository, image.tag or "")),
                components=tuple(sorted(names)),
                undeclared=tuple(name for name in sorted(names) if image.repository not in declared[name]),
            )
            for image, names in sorted(users.items(), key=lambda pair: str(pair[0]))
        ),
        unseen={
            name: missing
            for name, its in by_component.items()
            if (missing := tuple(sorted(set(declared[name]) - {each.repository for each in its})))
        },
        failed=dict(failed or {}),
    )


def _named(manifests: Iterable[Manifest], declared: Sequence[str]) -> Iterator[Image]:
    """One that is told without a tag is left out where it is also told with one."""
    found = {
        image
        for manifest in manifests
        if manifest.get("kind") != CRD  # its descriptions have examples
        for image in (*_of_pod(manifest), *_in_fields(manifest), *_in_text(manifest, declared))
    }
    exact = {image.repository for image in found if image.tag or image.digest}
    return (image for image in found if image.tag or image.digest or image.repository not in exact)


def parse(text: str) -> Image | None:
    """An image as a kubelet understands it: without a registry it is Docker Hub's."""
    match = REFERENCE.fullmatch(text)
    if not match:
        return None
    first, slash, rest = match["repository"].partition("/")
    if not slash or not re.search(r"[.:]|^localhost$", first):
        rest = match["repository"] if slash else f"library/{match['repository']}"
        first = HUB
    return Image(f"{first}/{rest}", match["tag"], match["digest"])


def _of_pod(manifest: Manifest) -> Iterator[Image]:
    pod = pod_of(manifest)
    for container in (one for name in CONTAINERS for one in each(pod, name)):
        image = str(container.get("image", ""))
        if image != INJECTED and (found := parse(image)):
            yield found


def _in_fields(node: Any) -> Iterator[Image]:  # noqa: ANN401 - whatever is there
    """In own kinds: a field `image` with a registry or a tag, or one in parts."""
    if isinstance(node, list):
        for member in node:
            yield from _in_fields(member)
    elif isinstance(node, Mapping):
        whole = [node.get("image"), *("/".join(part[:2]) + f":{part[2]}" for part in _parts(node))]
        for text in whole:
            if isinstance(text, str) and re.search("[/:]", text) and (found := parse(text)):
                yield found
        for member in node.values():
            yield from _in_fields(member)


def _parts(node: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for names in IN_PARTS:
        parts = tuple(node.get(name) for name in names)
        if all(isinstance(part, str) and part for part in parts):
            yield tuple(map(str, parts))


def _in_text(manifest: Manifest, declared: Sequence[str]) -> Iterator[Image]:
    """What is declared, wherever it stands; one word alone is an image only with a tag."""
    texts = list(_texts(manifest))
    for repository in declared:
        short = repository.removeprefix(f"{HUB}/").removeprefix("library/")
        pattern = re.compile(
            rf"(?<![\w./-])(?:{re.escape(HUB)}/)?(?:library/)?{re.escape(short)}"
            rf"(?::(?P<tag>{TAG})){'?' if '/' in short else ''}(?:@(?P<digest>{DIGEST}))?(?![\w/-])"
        )
        for text in texts:
            for match in pattern.finditer(text):
                yield Image(repository, match["tag"], match["digest"])


def _texts(node: Any) -> Iterator[str]:  # noqa: ANN401 - whatever is there
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping | list):
        for member in node.values() if isinstance(node, Mapping) else node:
            yield from _texts(member)
