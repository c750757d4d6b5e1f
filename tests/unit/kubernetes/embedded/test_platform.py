"""The images of what a platform runs on the embedded installer's nodes."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from terp.errors import TerpError
from terp.kubernetes.embedded import platform
from terp.kubernetes.embedded.image import Image, Link
from terp.tools.versions import read_versions

MANIFEST = """\
        image: ghcr.io/dexidp/dex:v2.45.1
        image: quay.io/argoproj/argocd:v3.5.7
        image: public.ecr.aws/docker/library/redis:8.2.3-alpine
"""


class Tools:
    """A toolchain of empty files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, program: str) -> Path:
        file = self._folder / program
        file.write_text(MANIFEST if program == "install.yaml" else "")
        return file


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Image]:
    def program(_: Path, name: str, place: str = "") -> dict[str, Path]:
        return {place: tmp_path / name}

    monkeypatch.setattr(platform, "with_libraries", program)
    monkeypatch.setattr(platform, "linked", lambda *_: {})
    unpacked = tmp_path / "unpacked"
    for name in ("b.crt", "a.crt"):
        file = unpacked / platform.AUTHORITIES / "mozilla" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{name}\n\n")
    (unpacked / platform.TEMPLATES / "info").mkdir(parents=True)
    (unpacked / platform.TEMPLATES / "info" / "exclude").touch()
    found = platform.images(Tools(tmp_path), unpacked)
    return {each.name: each for each in found}


def test_images_have_the_names_of_argo_cd_s_manifests_and_of_the_stand_ins(
    images: Mapping[str, Image],
) -> None:
    assert list(images) == [
        "quay.io/argoproj/argocd:v3.5.7",
        "public.ecr.aws/docker/library/redis:8.2.3-alpine",
        "docker.io/library/stand-in:1",
    ]


def test_pods_that_must_not_be_root_can_start(images: Mapping[str, Image]) -> None:
    assert all(image.start.user for image in images.values())


def test_argo_cd_finds_all_that_it_calls(images: Mapping[str, Image]) -> None:
    contents = images["quay.io/argoproj/argocd:v3.5.7"].contents
    own = {"helm", "kustomize", "git-verify-wrapper.sh", "gpg-wrapper.sh"}
    distribution = {"git", "gpg", "gpg-agent", "sh", "cp", "ln", "tini"}
    assert {f"/usr/local/bin/{name}" for name in own} <= contents.keys()
    assert {f"/usr/bin/{name}" for name in distribution} <= contents.keys()
    assert contents["/usr/local/bin/argocd-repo-server"] == Link("argocd")
    assert contents["/usr/lib/git-core/git-remote-https"] == Link("git-remote-http")
    assert "/usr/share/git-core/templates/info/exclude" in contents


def test_authorities_are_one_file_in_an_order_that_does_not_change(images: Mapping[str, Image]) -> None:
    contents = images["quay.io/argoproj/argocd:v3.5.7"].contents
    assert contents["/etc/ssl/certs/ca-certificates.crt"] == b"a.crt\nb.crt\n"


def test_a_manifest_without_the_image_is_refused() -> None:
    with pytest.raises(TerpError, match="no image 'valkey'"):
        platform.named(MANIFEST, "valkey")


def test_every_program_has_its_tool() -> None:
    tools = {tool.name for tool in read_versions().select([platform.PURPOSE])}
    assert tools == {"argocd", "helm", "kustomize", "redis", "stand-in"}
