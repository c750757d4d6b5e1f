"""What `terp up` refuses, and when: before anything has begun, or at once although much has."""

import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from terp.beside import pause
from terp.cli import app
from terp.cloud import lifecycle
from terp.cloud.process import wait_for
from terp.cloud.state import State
from terp.errors import TerpError
from terp.stack import workflow

SOON = 10.0
"""Seconds in which an error comes through, of the 60 that the tools take: at once, also on a busy machine."""


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine on which the tools take long; what has begun on it."""
    begun: list[str] = []

    def sync(*_: object) -> None:
        begun.append("tools")
        pause(60)

    monkeypatch.setenv("TERP_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("TERP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(workflow, "sync", sync)
    return begun


def terp(*arguments: str) -> tuple[TerpError, float]:
    """The error that a command ends with, and after how many seconds."""
    CliRunner().invoke(app, ["up", "--help"])  # what is imported on the way is
    start = time.monotonic()
    result: Result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, TerpError), result.output
    return result.exception, time.monotonic() - start


def test_without_root_up_says_so_before_anything_has_begun(
    fresh: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    error, seconds = terp("up")
    assert seconds < SOON
    assert (error.exit_code, fresh) == (2, [])
    assert error.message == "servers are real hosts (systemd-nspawn), and that needs root"
    assert error.hint.startswith("run it with sudo; or, without hosts, ")
    assert error.hint.endswith(": scripts/terp up --no-hosts")


@pytest.mark.parametrize("asked", [(), ("--hosts",)])
def test_without_root_the_cloud_names_its_own_way_out(
    fresh: list[str], monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    error, _ = terp("cloud", "up", *asked)
    assert error.exit_code == 2
    assert error.hint.endswith(": scripts/terp cloud up --no-hosts")


def test_hosts_that_are_there_cannot_be_declined(
    fresh: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(State, "exists", lambda _: True)
    monkeypatch.setattr(State, "ground", type("Ground", (), {"hosts": True}))
    for command in (("up", "--no-hosts"), ("cloud", "up"), ("down",)):
        error, _ = terp(*command)
        assert (error.exit_code, error.hint, fresh) == (2, "run it with sudo", [])


@pytest.mark.parametrize("with_hosts", [True, False])
def test_a_cloud_that_fails_ends_the_tools_that_are_gathered_beside_it(
    fresh: list[str], monkeypatch: pytest.MonkeyPatch, with_hosts: bool
) -> None:
    def fails(*_: object, **asked: bool) -> None:
        assert asked == {"with_hosts": with_hosts}
        wait_for("the tools", lambda: fresh == ["tools"], 10, 0.01)
        raise TerpError("the external network collides", exit_code=2)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(lifecycle, "up", fails)
    error, seconds = terp("up", *(() if with_hosts else ("--no-hosts",)))
    assert error.message == "the external network collides"
    assert seconds < SOON
