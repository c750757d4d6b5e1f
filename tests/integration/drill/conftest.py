"""A cloud of records beside the one of real hosts."""

from tests.integration.openstack.conftest import cloud, sites
from tests.integration.tools.conftest import toolchain

__all__ = ["cloud", "sites", "toolchain"]
