"""What is built here is what a release asks for, or the reason why not names what would take it."""

from pathlib import Path, PurePosixPath

import pytest

from terp.environment.kubernetes import EMBEDDED_VERSIONS
from terp.kubernetes.embedded.bundle import purpose
from terp.kubernetes.mirror.layout import ImageName
from terp.kubernetes.mirror.recipes import RECIPES, version_built, versions, why_no_image, why_not
from terp.tools.versions import read_versions

PINNED = {"etcd": "3.6.8", "kubernetes-components": "1.36.3", "coredns": "1.14.2", "pause": "3.10.2"}
ETCD = "github.com/etcd-io/etcd/releases/download/v{0}/etcd-v{0}-linux-amd64.tar.gz"


def test_every_recipe_has_a_pinned_tool():
    pinned = versions(read_versions().tools)
    assert {recipe.tool for recipe in RECIPES.values()} <= pinned.keys()


def test_the_pinned_version_is_built():
    assert why_not("etcd", PurePosixPath(ETCD.format("3.6.8")), PINNED, "amd64") == ""


def test_another_version_is_not_built_and_the_variable_is_named():
    why = why_not("etcd", PurePosixPath(ETCD.format("3.6.14")), PINNED, "amd64")
    assert why == "etcd is built as 3.6.8: etcd_version would take it"


def test_kubernetes_is_built_in_the_version_that_is_asked_for_or_else_as_the_newest():
    newest, before = EMBEDDED_VERSIONS
    assert [version_built(each) for each in (newest, before, "1.30.0")] == [newest, before, newest]
    for version in EMBEDDED_VERSIONS:
        pinned = versions(read_versions().select([purpose(version)]))
        assert why_no_image(ImageName.read(f"registry.k8s.io/kube-proxy:v{version}"), pinned) == ""


def test_another_architecture_is_not_built():
    assert why_not("etcd", PurePosixPath(ETCD.format("3.6.8")), PINNED, "arm64")


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("registry.k8s.io/kube-proxy:v1.36.3", ""),
        ("registry.k8s.io/coredns/coredns:v1.14.2", ""),
        ("registry.k8s.io/pause:3.10.2", ""),
        (
            "registry.k8s.io/pause:3.10.1",
            "pause is built as 3.10.2: pod_infra_version would take it",
        ),
        ("docker.io/library/nginx:1.30.1-alpine", "nothing here builds it"),
        ("docker.io/pause:3.10.2", "nothing here builds it"),
    ],
)
def test_an_image_is_made_if_it_is_kubernetes_own_and_of_the_pinned_version(image: str, why: str):
    assert why_no_image(ImageName.read(image), PINNED) == why


def test_equal_programs_give_equal_archives(tmp_path: Path):
    made = []
    for name in ("a", "b"):
        programs = Programs(tmp_path / name)
        target = tmp_path / f"{name}.tgz"
        RECIPES["cni"].make(target, programs, "amd64")  # type: ignore[arg-type]
        made.append(target.read_bytes())
    assert made[0] == made[1]


class Programs:
    """The part of a toolchain that a recipe needs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.tools = read_versions().tools

    def path(self, program: str) -> Path:
        file = self._folder / program
        file.write_text(program)
        return file
