"""The real toolchain, from the cache or built."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from terp.command import Command
from terp.progress import Progress
from terp.tools import Toolchain, sync

PROJECT = f"""
name: sample
runtime:
  name: python
  options: {{toolchain: pip, virtualenv: {sys.prefix}}}
"""


@pytest.fixture(scope="session")
def toolchain(progress: Progress) -> Toolchain:
    """What the OpenStack layer needs; on a machine without it, tens of minutes."""
    return sync("openstack", progress)


Stack = Callable[[str], Command]


@pytest.fixture
def stack(toolchain: Toolchain, tmp_path: Path) -> Stack:
    """Makes a stack whose program is the given text."""

    def make(program: str) -> Command:
        (tmp_path / "state").mkdir()
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "Pulumi.yaml").write_text(PROJECT)
        (tmp_path / "project" / "__main__.py").write_text(program)
        env = {
            **toolchain.env(),
            "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the test",
        }
        pulumi = Command((str(toolchain.path("pulumi")),), env=env, cwd=tmp_path / "project", timeout=180)
        pulumi.run("stack", "init", "test")
        return pulumi

    return make
