"""The environment of `Pulumi.site.yaml`, raised once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cloud.conftest import EmbeddedCloud, remove_everything
from tests.integration.sandbox.site import Site

FILE = Path(__file__).with_name("Pulumi.site.yaml")


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with EmbeddedCloud(tmp_path_factory.mktemp("sandbox"), hosts=True) as cloud:
        site = Site(cloud, FILE, tmp_path_factory.mktemp("stacks"))
        site.up()
        yield site
        done = site.terp("destroy", str(site.file), "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        remove_everything(cloud.connect())
