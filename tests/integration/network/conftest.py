"""A cloud's place with a tag of its own, on a machine of its own, gone without a trace after each test."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from terp.cloud.network import kernel, links
from terp.cloud.place import Place
from terp.paths import cache_dir
from tests.integration.network.world import Outside, World

PACKAGES = Path(os.environ.get("TERP_PACKAGES") or cache_dir() / "lab/sysroot")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """The test's thread enters a namespace that stands for the machine, apart from clouds that run on it."""
    made = Place(root=tmp_path, tag=f"t{secrets.token_hex(2)}", packages=PACKAGES)
    machine = f"machine-of-{made.tag}"
    links.ensure_namespace(machine)
    try:
        with kernel.entered(machine):
            links.write_parameters(machine, {"net/ipv4/ping_group_range": "0 0"})  # lets `pings` work
            yield made
            links.sweep(made)
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
