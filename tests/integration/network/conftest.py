"""A cloud's place with a tag of its own, gone without a trace after each test."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from terp.cloud.network import links
from terp.cloud.place import Place
from terp.paths import cache_dir

PACKAGES = Path(os.environ.get("TERP_PACKAGES") or cache_dir() / "lab/sysroot")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(root=tmp_path, tag=f"t{secrets.token_hex(2)}", packages=PACKAGES)
    yield made
    links.sweep(made)
