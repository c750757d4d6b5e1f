"""A cluster that is raised once, and that the tests lead from one state to the next."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cluster.site import ClusterSite, raised


@pytest.fixture(scope="package")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterSite]:
    """Three of a control plane, one worker."""
    with raised(Path(__file__).with_name("Pulumi.trio.yaml"), tmp_path_factory.mktemp("trio")) as site:
        yield site
