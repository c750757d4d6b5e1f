"""A cluster that is raised once; each test leaves it as the file says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cluster.site import ClusterSite, raised


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterSite]:
    """One control plane, two workers."""
    with raised(Path(__file__).with_name("Pulumi.kube.yaml"), tmp_path_factory.mktemp("kube")) as site:
        yield site
