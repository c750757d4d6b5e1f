"""`make up` and `make down` with the sandbox that Terp comes with, on a machine that has nothing of it."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from terp.cloud.network import check_external
from terp.cloud.settings import read_settings
from terp.environment import stack_file
from terp.errors import TerpError
from terp.paths import PROJECT
from tests.integration.cloud.conftest import UNPRIVILEGED, EmbeddedCloud

AT_ONCE = 20.0
"""Seconds for a refusal, Python's own start on a busy machine included."""


class Machine(EmbeddedCloud):
    """One that has no cloud yet: the command line makes it as it does for a newcomer."""

    def run(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`terp ...`, to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "terp", *args],
            env=self.env,
            timeout=1200,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert not (check and done.returncode), done.stdout + done.stderr
        return done

    def programs(self) -> list[str]:
        """What runs with this state directory, of the cloud or not."""
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                with contextlib.suppress(OSError):  # ended meanwhile
                    known = (process / "environ").read_bytes(), (process / "cmdline").read_bytes()
                    if any(os.fsencode(self.state.root.parent) in text for text in known):
                        found.append(known[1].replace(b"\0", b" ").decode())
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "state", hosts=True)
    try:
        try:
            check_external(read_settings().external_network.cidr)
        except TerpError:  # a sandbox of somebody's is up here: beside it, in the range of tests
            machine.state.root.parent.mkdir()
            machine.up()
        yield machine
    finally:
        machine.run("down")


@pytest.fixture
def sandbox(tmp_path: Path) -> str:
    """The shipped file without cluster and platform, which other tests raise (cluster, platform)."""
    file, written = tmp_path / stack_file("sandbox").name, yaml.safe_load(stack_file("sandbox").read_text())
    environment = written["config"]["terp:environment"]
    assert environment["kubernetes"]["installer"] == "embedded"
    environment["kubernetes"]["installer"] = "none"
    del environment["platform"]
    file.write_text(yaml.safe_dump(written))
    return str(file)


@pytest.mark.hosts
@pytest.mark.cloud
@pytest.mark.tools
@pytest.mark.timeout(1800)
def test_up_raises_the_shipped_sandbox_from_nothing_and_down_leaves_nothing(
    machine: Machine, sandbox: str
) -> None:
    said = machine.run("up", sandbox).stdout
    for host in ("control-plane-0", "cpu-0", "cpu-1", "bastion"):
        assert f"sandbox-{host}" in said
    assert machine.run("ssh", sandbox, "cpu-1", "--", "hostname").stdout == "sandbox-cpu-1\n"
    state = machine.state.root.parent
    assert machine.traces()
    assert machine.programs()
    assert (state / "stacks" / "sandbox").exists()
    assert list(state.glob("pulumi/**/sandbox.json"))

    machine.run("down")

    assert machine.traces() == ""
    assert machine.programs() == []
    assert not machine.state.root.exists()
    assert not (state / "stacks" / "sandbox").exists()
    assert list(state.glob("pulumi/**/sandbox.json")) == []
    machine.run("down")


def test_up_without_root_says_at_once_that_hosts_need_it(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(PROJECT / "platform")}
    env |= {"TERP_STATE": str(tmp_path / "state"), "TERP_CACHE": str(tmp_path / "cache")}
    anybody = UNPRIVILEGED if os.geteuid() == 0 else ()
    start = time.monotonic()
    done = subprocess.run(
        [*anybody, sys.executable, "-m", "terp", "up"],
        env=env,
        timeout=120,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert time.monotonic() - start < AT_ONCE
    assert done.returncode == 2, done.stdout + done.stderr
    assert "scripts/terp up --no-hosts" in done.stderr
    assert not (tmp_path / "state").exists()
    assert not (tmp_path / "cache" / "tools").exists(), "nothing was begun"
