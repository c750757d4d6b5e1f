"""What nodes would fetch is known without a host, and a shorter dictionary leaves nothing out."""

import re

import pytest

from terp.errors import TerpError
from terp.kubernetes.kubespray.downloads import downloads
from terp.kubernetes.kubespray.tuning import NAME, RENDERED, tuned
from terp.kubernetes.model import Run
from terp.kubernetes.runner.installation import Installation
from tests.kubespray.clusters import Cluster


def test_every_file_has_an_address_and_a_checksum_and_every_image_a_tag(
    installation: Installation, environment: Cluster
):
    found = downloads(installation, environment.kubernetes_version, environment.variables)
    version = environment.kubernetes_version
    addresses = {file.name: file.url for file in found.files}
    assert addresses["kubelet"].endswith(f"/release/v{version}/bin/linux/amd64/kubelet")
    for file in found.files:
        assert re.match(r"https?://[^/]+/", file.url)
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", file.checksum or ""), file
    for image in found.images:
        assert re.fullmatch(r"[a-z0-9.-]+(/[a-z0-9.-]+)+:v?[0-9][\w.-]*", image), image
    assert f"registry.k8s.io/kube-apiserver:v{version}" in found.images
    plugin = environment.variables["kube_network_plugin"]
    assert any(f"/{plugin}/" in image for image in found.images)
    controller = any("openstack-cloud-controller-manager:" in image for image in found.images)
    assert controller == (environment.variables["external_cloud_provider"] == "openstack")


def test_a_tuned_release_fetches_the_same_with_less(installation: Installation, environment: Cluster):
    run = Run(
        kind="playbook",
        playbook="cluster.yml",
        nodes=environment.nodes,
        installer_version=installation.version,
        kubernetes_version=environment.kubernetes_version,
        reason="test",
    )
    said: list[str] = []
    faster = tuned(installation, run, environment.variables, said.append)
    assert said == ["asks Kubespray what the nodes will fetch"]
    asked = (installation, environment.kubernetes_version)
    plain = downloads(*asked, environment.variables)
    assert set(faster.variables) == {NAME, RENDERED}
    assert set(plain.entries["x86_64"]) == set(plain.entries["aarch64"])
    assert "{{" not in str(faster.variables[RENDERED])
    assert downloads(*asked, {**environment.variables, **faster.variables}) == plain


def test_variables_that_cannot_be_rendered_are_said_so(installation: Installation, sandbox: Cluster):
    broken = sandbox.but(containerd_version="{{ nowhere }}")
    with pytest.raises(TerpError, match="does not say what it downloads"):
        downloads(installation, broken.kubernetes_version, broken.variables)
