"""What an environment is made from, exactly."""

from typing import Any

import pytest
from tests.unit.gitops.platforms import platform

from terp.gitops.catalogue import Catalogue
from terp.gitops.intent import Intent
from terp.gitops.lock import ImageLock, charts, images
from terp.gitops.lock.images import parse
from terp.gitops.reading import read_catalogue
from terp.gitops.versions import ChartRepository, ImageRepository

CATALOGUE = read_catalogue()
SHA = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "repository", "tag", "digest"),
    [
        ("busybox", "docker.io/library/busybox", None, None),
        ("grafana/loki:3.7", "docker.io/grafana/loki", "3.7", None),
        ("localhost:5000/a", "localhost:5000/a", None, None),
        (f"quay.io/a/b:v1@{SHA}", "quay.io/a/b", "v1", SHA),
    ],
)
def test_a_reference_is_read_as_kubelets_read_it(
    text: str, repository: str, tag: str | None, digest: str | None
):
    assert parse(text) == (repository, tag, digest)


def test_what_is_no_reference_is_none():
    assert parse("{{ .Values.image }}") is None


def locked(*objects: dict[str, Any], declared: tuple[str, ...] = (), **upstreams: Any) -> ImageLock:
    harbor = CATALOGUE.components["harbor"].model_copy(update={"images": declared})
    catalogue = Catalogue.model_construct(components={"harbor": harbor}, upstreams=upstreams)
    return images("test", {"harbor": list(objects)}, catalogue)


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "spec": spec}


def names(lock: ImageLock) -> list[str]:
    return [f"{each.repository}:{each.tag}" for each in lock.images]


def test_all_containers_of_a_pod_are_seen():
    lock = locked(
        pod(
            containers=[{"image": "quay.io/a/a:1"}],
            initContainers=[{"image": "quay.io/a/b:1"}],
            ephemeralContainers=[{"image": "quay.io/a/c:1"}],
        )
    )
    assert names(lock) == ["quay.io/a/a:1", "quay.io/a/b:1", "quay.io/a/c:1"]
    assert all(each.undeclared == ("harbor",) for each in lock.images)


def test_an_image_that_is_declared_is_found_in_arguments_and_config_maps():
    solver = {"image": "quay.io/a/controller:1", "args": ["--solver-image=quay.io/a/solver:1.2"]}
    config = {"kind": "ConfigMap", "data": {"config": "sidecar: foo/proxy:3\nother: foo/proxy-more:4\n"}}
    declared = ("quay.io/a/controller", "quay.io/a/solver", "docker.io/foo/proxy", "quay.io/a/never")
    lock = locked(pod(containers=[solver]), config, declared=declared)
    assert names(lock) == ["docker.io/foo/proxy:3", "quay.io/a/controller:1", "quay.io/a/solver:1.2"]
    assert not any(each.undeclared for each in lock.images)
    assert lock.unseen == {"harbor": ("quay.io/a/never",)}


def test_a_custom_resource_tells_an_image_whole_or_in_parts():
    parts = {"repository": "nvcr.io/nvidia", "image": "driver", "version": "580"}
    lock = locked({"kind": "ClusterPolicy", "spec": {"driver": parts, "image": "quay.io/a/b:1"}})
    assert names(lock) == ["nvcr.io/nvidia/driver:580", "quay.io/a/b:1"]


def test_a_digest_is_that_of_the_reference_or_of_the_versions():
    upstream = ImageRepository(image="quay.io/a/a", version="1.0", digest="1" * 64)
    containers = [{"image": "quay.io/a/a:1.0"}, {"image": f"quay.io/a/b:1@{SHA}"}]
    lock = locked(pod(containers=containers), upstream=upstream)
    assert [each.digest for each in lock.images] == ["sha256:" + "1" * 64, SHA]


def test_the_image_that_istio_puts_in_is_none():
    assert locked(pod(containers=[{"image": "auto"}])).images == ()


def test_charts_have_version_and_digest_and_repositories_their_commit():
    harbor = CATALOGUE.upstreams["harbor"]
    assert isinstance(harbor, ChartRepository)
    pinned = harbor.model_copy(update={"digests": {"harbor": "2" * 64}})
    upstreams = {**CATALOGUE.upstreams, "harbor": pinned}
    catalogue = CATALOGUE.model_copy(update={"upstreams": upstreams})
    mirror = {"charts": "oci://registry.example.org/charts", "git": "https://git.example.org"}
    lock = charts(Intent.of("test", platform(mirror=mirror, components={"harbor": True}), catalogue))
    (found,) = [each for each in lock.charts if each.chart == "harbor"]
    assert found.repository == "https://helm.goharbor.io"  # what a mirror is filled from
    assert (found.version, found.digest, found.components) == (pinned.version, "2" * 64, ("harbor",))
    (kubeflow,) = [each for each in lock.repositories if "kubeflow/community" in each.repository]
    assert len(kubeflow.commit) == 40
    assert kubeflow.paths["katib"]
