"""Where what lies, and what is in the list of own files."""

import pytest

from terp.errors import TerpError
from terp.kubernetes.mirror.layout import ImageName, place, read_sums, write_sums


def test_a_file_lies_under_its_host_and_path_without_the_query():
    assert str(place("https://dl.k8s.io/release/v1/kubelet?x=1")) == "dl.k8s.io/release/v1/kubelet"


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag"),
    [
        ("registry.k8s.io/coredns/coredns:v1.14.2", "registry.k8s.io", "coredns/coredns", "v1.14.2"),
        ("mirror.example.org:5000/pause:3.10", "mirror.example.org:5000", "pause", "3.10"),
    ],
)
def test_a_name_is_registry_path_and_tag(text: str, registry: str, path: str, tag: str):
    name = ImageName.read(text)
    assert (name.registry, name.path, name.tag) == (registry, path, tag)
    assert str(name) == text
    assert str(name.manifest) == f"v2/{path}/manifests/{tag}"
    assert str(name.blob("sha256:0")) == f"v2/{path}/blobs/sha256:0"


@pytest.mark.parametrize("text", ["pause:3.10", "registry.k8s.io/pause", "registry.k8s.io/pause@sha256:0"])
def test_a_name_without_registry_or_tag_is_refused(text: str):
    with pytest.raises(TerpError, match="no name of an image"):
        ImageName.read(text)


def test_sums_are_read_as_they_are_written():
    sums = {"dl.k8s.io/b": "0" * 64, "a": "f" * 64}
    assert read_sums(write_sums(sums)) == sums
    assert read_sums("<html>no list</html>\n") == {}
