"""Two clusters, each raised once; each test leaves its own as the file says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.cluster.site import ClusterSite
from tests.integration.openstack.site import everything

HERE = Path(__file__).parent


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("clusters"), hosts=True) as cloud:
        yield cloud


@contextmanager
def raised(cloud: EmbeddedCloud, name: str, folder: Path) -> Iterator[ClusterSite]:
    """The cluster of a stack file here, from its creation to its end."""
    site = ClusterSite(cloud, HERE / name, folder)
    site.up()
    yield site
    done = site.terp("destroy", str(site.file), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any(everything(cloud.connect()).values())


@pytest.fixture(scope="package")
def site(cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterSite]:
    """One control plane, two workers."""
    with raised(cloud, "Pulumi.kube.yaml", tmp_path_factory.mktemp("stacks")) as site:
        yield site


@pytest.fixture(scope="package")
def trio(cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterSite]:
    """Three of a control plane that take pods, too."""
    with raised(cloud, "Pulumi.trio.yaml", tmp_path_factory.mktemp("stacks")) as trio:
        yield trio
