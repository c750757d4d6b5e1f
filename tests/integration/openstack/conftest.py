"""One cloud of records for all tests of the OpenStack layer."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from terp.cloud.faults import set_faults
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.openstack.site import Site
from tests.integration.tools.conftest import toolchain

__all__ = ["toolchain"]

MakeSite = Callable[[str, Mapping[str, Any]], Site]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, toolchain: object) -> Iterator[EmbeddedCloud]:
    """A cloud of records, which `terp` finds as it finds a user's."""
    with EmbeddedCloud(tmp_path_factory.mktemp("openstack"), hosts=False) as running:
        for variable in ("OS_CLIENT_CONFIG_FILE", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"):
            running.env.pop(variable, None)
        yield running


@pytest.fixture(scope="module")
def sites(cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeSite]:
    """`sites(stack, environment)`; what is left of them is destroyed when the module ends."""
    made: list[Site] = []

    def make(stack: str, environment: Mapping[str, Any]) -> Site:
        site = Site(cloud, tmp_path_factory.mktemp(stack), stack, environment)
        made.append(site)
        return site

    yield make
    set_faults(cloud.state, [])
    for site in made:
        if site.state_file.exists():
            site.destroy()
        assert not any(site.things().values()), f"{site.stack} left something"
