"""Two clusters, each raised once; each test leaves its own as the file says."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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


@pytest.fixture(scope="package")
def clusters(
    cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[ClusterSite]]]:
    """Both, raised side by side: each waits more than it works. In the end the cloud has nothing of them."""
    folder = tmp_path_factory.mktemp("stacks")

    def raised(name: str) -> ClusterSite:
        site = ClusterSite(cloud, HERE / f"Pulumi.{name}.yaml", folder)
        site.up()
        return site

    with ThreadPoolExecutor() as working:
        begun = {name: working.submit(raised, name) for name in ("kube", "trio")}
        yield begun
        sites = [each.result() for each in begun.values() if not each.exception()]
        for done in working.map(lambda site: site.terp("destroy", str(site.file), "--yes"), sites):
            assert done.returncode == 0, done.stdout + done.stderr
    assert not any(everything(cloud.connect()).values())


@pytest.fixture(scope="package")
def site(clusters: dict[str, Future[ClusterSite]]) -> ClusterSite:
    """One control plane, two workers."""
    return clusters["kube"].result()


@pytest.fixture(scope="package")
def trio(clusters: dict[str, Future[ClusterSite]]) -> ClusterSite:
    """Three of a control plane that take pods, too."""
    return clusters["trio"].result()
