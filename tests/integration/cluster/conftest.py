"""The cluster of `Pulumi.kube.yaml`, raised once; each test leaves it as its file says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cloud.conftest import EmbeddedCloud, remove_everything
from tests.integration.cluster.site import ClusterSite
from tests.integration.tools.conftest import progress

__all__ = ["progress"]

FILE = Path(__file__).with_name("Pulumi.kube.yaml")


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterSite]:
    with EmbeddedCloud(tmp_path_factory.mktemp("kube"), hosts=True) as cloud:
        site = ClusterSite(cloud, FILE, tmp_path_factory.mktemp("stacks"))
        site.up()
        yield site
        done = site.terp("destroy", str(site.file), "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        remove_everything(cloud.connect())
