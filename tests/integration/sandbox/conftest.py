"""An environment on real hosts, raised once by the command line, and its hosts as testinfra sees them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra
from testinfra.host import Host as Remote

from terp.openstack.hosts import Host
from tests.integration.cloud.conftest import EmbeddedCloud, remove_everything

FILE = Path(__file__).with_name("Pulumi.site.yaml")


class Site:
    """The environment of `Pulumi.site.yaml`, in a copy that a test may change."""

    def __init__(self, cloud: EmbeddedCloud, directory: Path) -> None:
        self.cloud = cloud
        self.file = directory / FILE.name
        self.write()
        self.ssh_config = cloud.state.root.parent / "stacks" / "site" / "ssh_config"
        self._remotes: dict[str, Remote] = {}

    def write(self, edit: Callable[[str], str] = str) -> None:
        """Write the stack's file, edited."""
        self.file.write_text(edit(FILE.read_text()))

    def terp(self, *args: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run `terp ...`."""
        return subprocess.run(
            [sys.executable, "-m", "terp", *args],
            env=self.cloud.env,
            timeout=timeout,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def up(self) -> dict[str, Any]:
        """`terp up`, and what it says for machines."""
        done = self.terp("up", str(self.file), "--json")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        self.hosts = {each.name: each for each in map(Host.model_validate, said["hosts"])}
        self._remotes = {}
        return said

    def remote(self, name: str) -> Remote:
        """A host over real SSH with strict keys, through the bastion."""
        if name not in self._remotes:
            self._remotes[name] = testinfra.get_host(f"ssh://{name}", ssh_config=str(self.ssh_config))
        return self._remotes[name]


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with EmbeddedCloud(tmp_path_factory.mktemp("sandbox"), hosts=True) as cloud:
        site = Site(cloud, tmp_path_factory.mktemp("stacks"))
        site.up()
        yield site
        done = site.terp("destroy", str(site.file), "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        remove_everything(cloud.connect())
