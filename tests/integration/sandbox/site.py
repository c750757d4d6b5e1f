"""An environment on real hosts, raised by the command line, and its hosts as testinfra sees them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import testinfra
from testinfra.host import Host as Remote

from terp.environment.stack_file import stack_name
from terp.openstack.hosts import Host
from tests.integration.cloud.conftest import EmbeddedCloud


class Site:
    """An environment whose hosts are real: a stack's file, in a copy that a test may change."""

    def __init__(self, cloud: EmbeddedCloud, template: Path, directory: Path) -> None:
        self.cloud = cloud
        self.file = directory / template.name
        self.root = cloud.state.root.parent / "stacks" / stack_name(self.file)
        self.ssh_config = self.root / "ssh_config"
        self._template = template
        self._remotes: dict[str, Remote] = {}
        self.write()

    def write(self, edit: Callable[[str], str] = str) -> None:
        """Write the stack's file, edited."""
        self.file.write_text(edit(self._template.read_text()))

    def terp(self, *args: str, timeout: float = 1000) -> subprocess.CompletedProcess[str]:
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
