"""A cloud's place with a tag of its own, on a machine of its own, gone without a trace after each test."""

import logging
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from rich.console import Console

from terp.cloud.network import kernel, links, sweep
from terp.cloud.packages import packages
from terp.cloud.place import Place
from terp.progress import progress_for
from tests.integration.network.world import Outside, World


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked packages, from the cache or made now."""
    with progress_for(Console(stderr=True), tmp_path_factory.mktemp("timings") / "timings.json") as progress:
        return packages(progress)


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))


@pytest.fixture
def place(debian: Path, tmp_path: Path) -> Iterator[Place]:
    """The test's thread enters a namespace that stands for the machine, apart from clouds that run on it."""
    made = Place(root=tmp_path, tag=f"t{secrets.token_hex(2)}", packages=debian)
    machine = f"machine-of-{made.tag}"
    links.ensure_namespace(machine)
    try:
        with kernel.entered(machine):
            links.write_parameters(machine, {"net/ipv4/ping_group_range": "0 0"})  # lets `pings` work
            yield made
            sweep(made)
    finally:
        links.delete_namespace(machine)


@pytest.fixture
def world(place: Place) -> World:
    made = World(place)
    made.start()
    return made


@pytest.fixture
def outside(world: World) -> Outside:
    return Outside(world)
