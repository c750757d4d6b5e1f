"""A real release of Kubespray, if there is one.

TERP_KUBESPRAY_SOURCE is a git repository, a folder or an archive; TERP_KUBESPRAY_VERSION is the release, the
newest that Terp knows if it is absent. Tree and Ansible are kept in the cache between runs.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from terp.environment.kubespray import known_releases
from terp.kubernetes.kubespray import installation as installation_of
from terp.kubernetes.runner.installation import Installation
from tests.kubespray.clusters import Ansible, Cluster, cluster

SOURCE = "TERP_KUBESPRAY_SOURCE"
VERSION = "TERP_KUBESPRAY_VERSION"
CHECKSUMS = "roles/kubespray_defaults/vars/main/checksums.yml"
ENVIRONMENTS = sorted((Path(__file__).parents[1] / "fixtures" / "valid").glob("*.yaml"))
SANDBOX = next(file for file in ENVIRONMENTS if file.stem == "sandbox")


if not os.environ.get(SOURCE):
    collect_ignore = [
        "test_downloads.py",
        "test_playbooks.py",
        "test_validation.py",
    ]  # test_release.py says why


@pytest.fixture(scope="session")
def release() -> str:
    return os.environ.get(VERSION) or known_releases()[-1]


@pytest.fixture(scope="session")
def installation(release: str) -> Installation:
    source = os.environ.get(SOURCE)
    if not source:
        pytest.skip(f"no Kubespray to test with: {SOURCE} names a git repository, a folder or an archive")
    return installation_of(release, source, None, print)


@pytest.fixture(scope="session")
def supported(installation: Installation) -> list[str]:
    """Versions of Kubernetes of the release, its default first."""
    text = (installation.playbooks / CHECKSUMS).read_text()
    return list(yaml.load(text, yaml.CSafeLoader)["kubelet_checksums"]["amd64"])


@pytest.fixture(params=ENVIRONMENTS, ids=lambda file: file.stem)
def environment(request: pytest.FixtureRequest, supported: list[str]) -> Cluster:
    """Each of the valid environments."""
    return cluster(request.param, supported)


@pytest.fixture
def sandbox(supported: list[str]) -> Cluster:
    """One node of the control plane and two workers."""
    return cluster(SANDBOX, supported)


@pytest.fixture
def ansible(installation: Installation, tmp_path: Path) -> Callable[[Cluster], Ansible]:
    return lambda cluster: Ansible(tmp_path, installation, cluster)
