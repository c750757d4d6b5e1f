"""A cloud's place with a tag of its own, gone without a trace after each test."""

import os
import secrets
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from terp.cloud.network import check_external, links
from terp.cloud.place import Place
from terp.errors import TerpError
from terp.paths import cache_dir
from tests.integration.network.world import Outside, World

PACKAGES = Path(os.environ.get("TERP_PACKAGES") or cache_dir() / "lab/sysroot")


def free_external() -> str:
    """A part of a documentation range (RFC 5737) that nobody on this machine uses at the moment."""
    parts = list(ip_network("198.51.100.0/24").subnets(new_prefix=27))
    for part in secrets.SystemRandom().sample(parts, len(parts)):
        try:
            check_external(str(part))
        except TerpError:
            continue
        return str(part)
    pytest.fail("no free external network on this machine")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(
        root=tmp_path, tag=f"t{secrets.token_hex(2)}", packages=PACKAGES, external_cidr=free_external()
    )
    yield made
    links.sweep(made)


@pytest.fixture
def world(place: Place) -> World:
    made = World(place)
    made.start()
    return made


@pytest.fixture
def outside(world: World) -> Outside:
    return Outside(world)
