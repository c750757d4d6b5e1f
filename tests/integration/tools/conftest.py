"""The real toolchain, from the cache or built."""

import sys
from collections.abc import Iterator

import pytest
from rich.console import Console

from terp.paths import cache_dir
from terp.progress import Progress, progress_for
from terp.tools import Toolchain, sync


@pytest.fixture(scope="session")
def progress() -> Iterator[Progress]:
    with progress_for(Console(file=sys.stderr), cache_dir() / "timings.json") as story:
        yield story


@pytest.fixture(scope="session")
def toolchain(progress: Progress) -> Toolchain:
    """What the OpenStack layer needs; on a machine without it, tens of minutes."""
    return sync("openstack", progress)
