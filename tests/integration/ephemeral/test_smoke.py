"""`terp smoke` on a cloud of records: alone, beside another, failing, ended, and killed."""

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from openstack.connection import Connection

from terp.cloud.faults import Fault, set_faults
from terp.cloud.process import wait_for
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.ephemeral.conftest import Terp, said
from tests.integration.ephemeral.things import cleared, ids
from tests.integration.openstack.samples import small
from tests.integration.openstack.site import descendants

pytestmark = [pytest.mark.tools, pytest.mark.cloud, pytest.mark.timeout(600)]

NEVER = [Fault(service="nova", method="POST", path="/servers$", status=403)]
"""No server is made."""


class Runner:
    """Runs smoke tests of one environment, each with a folder for its reports."""

    def __init__(self, cloud: EmbeddedCloud, folder: Path) -> None:
        self.cloud, self.folder = cloud, folder
        self.member: Connection = cloud.connect()
        self.file = folder / "Pulumi.tiny.yaml"
        self.file.write_text(yaml.safe_dump({"config": {"terp:environment": small(cpu=1)}}))

    def begin(self, name: str, *args: str) -> "subprocess.Popen[str]":
        """One, begun, in a session of its own."""
        options = ("--stack-file", str(self.file), "--reports", str(self.folder / name), "--no-hosts", *args)
        return subprocess.Popen(
            [*self.cloud.prefix, sys.executable, "-m", "terp", "smoke", *options],
            env=self.cloud.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, name: str, *args: str, code: int = 0) -> dict[str, Any]:
        """One to its end; its report."""
        return self.end(name, self.begin(name, *args), code)

    def end(self, name: str, process: "subprocess.Popen[str]", code: int = 0) -> dict[str, Any]:
        """The report of one that ends with a code."""
        output, _ = process.communicate(timeout=280)
        assert process.returncode == code, output[-5000:]
        report: dict[str, Any] = json.loads((self.folder / name / "report.json").read_text())
        return report

    def servers(self) -> list[str]:
        """Names of all servers."""
        return [each.name for each in self.member.compute.servers()]

    def states(self) -> list[str]:
        """What Pulumi's backend and this machine have of stacks."""
        root = self.cloud.state.root.parent
        folders = (root / "pulumi" / ".pulumi" / "stacks" / "terp", root / "stacks", root / "ephemeral")
        return [each.name for folder in folders for each in folder.glob("*until*") if each.suffix != ".bak"]


@pytest.fixture
def runner(cloud: EmbeddedCloud, tmp_path: Path) -> Iterator[Runner]:
    """Whatever it leaves is a failure, and goes."""
    found = Runner(cloud, tmp_path)
    with cleared(found.member):
        yield found
        set_faults(cloud.state, [])
        assert ids(found.member) == set()
        assert found.states() == []


def suites_of(runner: Runner, name: str) -> ET.Element:
    return ET.fromstring((runner.folder / name / "junit.xml").read_text())  # noqa: S314 - our own


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["outcome"] for each in report["phases"]}


def test_a_smoke_test_passes_and_proves_that_nothing_is_left(runner: Runner) -> None:
    report = runner.run("only")
    assert outcomes(report) == {
        "cloud": "passed",
        "up": "passed",
        "checks": "not applicable",
        "destroy": "passed",
        "nothing is left": "passed",
    }
    assert {each["role"] for each in report["hosts"]} == {"control-plane", "worker"}
    suites = suites_of(runner, "only")
    assert [suite.attrib["name"] for suite in suites] == ["phases", "checks"]
    assert suites[0].attrib["failures"] == "0"
    assert report["stack"] in (runner.folder / "only" / "report.html").read_text()


def test_two_at_once_do_not_meet(runner: Runner) -> None:
    processes = [runner.begin(name) for name in ("one", "two")]
    reports = [runner.end(name, each) for name, each in zip(("one", "two"), processes, strict=True)]
    assert len({each["stack"] for each in reports}) == 2
    assert all(set(outcomes(each).values()) == {"passed", "not applicable"} for each in reports)


def test_what_fails_is_reported_with_its_log_and_removed(runner: Runner) -> None:
    set_faults(runner.cloud.state, NEVER)
    report = runner.run("failing", code=1)
    assert outcomes(report)["up"] == "failed"
    assert outcomes(report)["nothing is left"] == "passed"
    assert any("pulumi.log" in each["name"] for each in report["logs"])
    suites = suites_of(runner, "failing")
    assert suites[0].attrib["failures"] == "1"
    assert "pulumi up failed" in (runner.folder / "failing" / "report.html").read_text()


def test_what_fails_can_be_kept_until_its_lifetime_ends(runner: Runner, terp: Terp) -> None:
    set_faults(runner.cloud.state, NEVER)
    report = runner.run("kept", "--keep-on-failure", "--ttl", "30m", code=1)
    assert report["kept"]
    set_faults(runner.cloud.state, [])
    assert not said(terp("reap", "--yes", "--json"))["stacks"][0]["may_go"]
    assert runner.states()
    done = said(terp("reap", "--yes", "--stack", report["stack"], "--json"))
    assert done["forgotten"] == [report["stack"]]


@contextmanager
def in_the_middle(runner: Runner, name: str) -> "Iterator[subprocess.Popen[str]]":
    """One whose servers are being made."""
    process = runner.begin(name)
    try:
        wait_for("a server", lambda: bool(runner.servers()), 200, 0.2)
        assert process.poll() is None
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_asked_to_end_removes_what_it_has_made(runner: Runner, number: int) -> None:
    with in_the_middle(runner, "ended") as process:
        os.kill(process.pid, number)
        report = runner.end("ended", process, code=130)
    assert report["interrupted"]
    assert outcomes(report)["nothing is left"] == "passed"


def test_one_that_was_killed_is_cleared_away_by_the_next_reap(runner: Runner, terp: Terp) -> None:
    with in_the_middle(runner, "killed") as process:
        assert not said(terp("reap", "--yes", "--json"))["stacks"][0]["may_go"], "it is alive"
        for pid in [process.pid, *descendants(process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=30)
    assert runner.states()
    done = said(terp("reap", "--yes", "--json"))
    assert (done["failed"], len(done["forgotten"])) == ([], 1)
    assert done["stacks"][0]["reason"] == "the run that made it is dead"
