"""A cloud of records, as for the tests of the OpenStack layer, and an environment with something to lose."""

from typing import Any

import pytest

from tests.integration.openstack.conftest import MakeSite, cloud, sites
from tests.integration.openstack.samples import small
from tests.integration.openstack.site import Site
from tests.integration.tools.conftest import toolchain

__all__ = ["cloud", "sites", "toolchain"]


def guarded() -> dict[str, Any]:
    """Protected: a control plane of three with volumes for etcd, three nodes with data, a second network."""
    wanted = small(cpu=3)
    del wanted["protected"]
    wanted["network"] = {"nodes": "10.43.0.0/24", "additional": {"storage": {"cidr": "10.44.0.0/24"}}}
    wanted["nodes"]["control_plane"].update(count=3, etcd_volume={"size": 4})
    wanted["nodes"]["pools"]["cpu"].update(
        networks=["storage"], volumes={"data": {"size": 1, "mount": "/srv/data"}}
    )
    wanted["access"] = {
        "ssh": {"allowed_from": ["10.99.0.0/16"]},
        "api": {
            "endpoint": "virtual-ip",
            "virtual_ip": "10.43.0.250",
            "allowed_from": ["10.98.0.0/16"],
        },
    }
    return wanted


@pytest.fixture(scope="module")
def one_site(sites: MakeSite) -> Site:
    """Raised once; what a test changes of it, it says."""
    site = sites("guarded", guarded())
    site.up()
    return site


@pytest.fixture
def site(one_site: Site) -> Site:
    """The environment with its file as it was raised."""
    one_site.write(guarded())
    return one_site
