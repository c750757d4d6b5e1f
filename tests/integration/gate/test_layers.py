"""What the policy pack says of cluster and platform, on the real engine: no cloud and no hosts are needed."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from terp.command import Command
from terp.environment import read
from terp.paths import PROJECT
from terp.policy.judgement import judge
from terp.policy.pack import ALLOW, EXECUTABLE
from terp.policy.plan import plan_of_events
from terp.progress import progress_for
from terp.stack.events import Changes, EventLog
from terp.stack.pulumi import UNPROTECTED
from terp.stack.workspace import ENGINE, POLICY_PACK
from terp.tools import Toolchain

pytestmark = [pytest.mark.tools, pytest.mark.timeout(900)]

PROGRAM = """
import json, pathlib, pulumi
for kind, inputs in json.loads((pathlib.Path(__file__).parent / "inputs.json").read_text()).items():
    made = type("Made", (pulumi.CustomResource,), {})
    made(kind, "demo", {"name": "demo", **inputs}, pulumi.ResourceOptions(version="0.1.0"))
pulumi.export("raised", True)
"""
CLUSTER, PLATFORM = "terp:kubernetes:Cluster", "terp:gitops:Platform"


def platform(*names: str) -> dict[str, Any]:
    spec = {"sources": [{"targetRevision": "1.0.0"}]}
    return {"values": {"applications": {name: {"wave": 0, "spec": spec} for name in names}}}


RAISED = {CLUSTER: {"kubernetes_version": "1.33.5"}, PLATFORM: platform("harbor", "minio")}


class Project:
    """A stack with a cluster and a platform, in the hands of plain `pulumi`."""

    def __init__(self, folder: Path, toolchain: Toolchain) -> None:
        self._inputs = folder / "inputs.json"
        for name in ("state", "plugin", "stacks"):
            (folder / name).mkdir()
        plugin = folder / "plugin" / "pulumi-resource-terp"
        plugin.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.integration.gate.plugin "$@"\n')
        plugin.chmod(0o755)
        description = {
            "name": "terp",
            "runtime": {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}},
            "stackConfigDir": "stacks",
            "plugins": {"providers": [{"name": "terp", "path": "plugin"}]},
        }
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(description))
        (folder / "__main__.py").write_text(PROGRAM)
        environment = PROJECT / "tests" / "fixtures" / "valid" / "smallest.yaml"
        (folder / "stacks" / "Pulumi.demo.yaml").write_text(environment.read_text())
        self.env = {
            **toolchain.env(),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{toolchain.env()['PATH']}",
            "PYTHONPATH": f"{PROJECT / 'platform'}{os.pathsep}{PROJECT}",
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the test",
            POLICY_PACK: str(EXECUTABLE),
        }
        self.program = (str(toolchain.path("pulumi")), "--non-interactive", "--color=never")
        self.folder = folder
        self.pulumi("stack", "init", "demo")

    def pulumi(self, *argv: str, allow: str = "", fails: bool = False, hand: bool = True) -> str:
        """What `pulumi` printed, by hand, or as Terp calls it."""
        command = Command(
            self.program,
            env={**self.env, ALLOW: allow, **({} if hand else {POLICY_PACK: "", **ENGINE})},
            cwd=self.folder,
            timeout=240,
            ends_by=signal.SIGINT,
        )
        done = command.run(*argv, check=False)
        printed = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, printed
        return printed

    def up(self, inputs: dict[str, Any], *options: str, allow: str = "", fails: bool = False) -> str:
        """Lead the stack to what the inputs say."""
        self._inputs.write_text(json.dumps(inputs))
        return self.pulumi("up", "--yes", *options, allow=allow, fails=fails)

    def preview(self, inputs: dict[str, Any]) -> Changes:
        """What the engine's own plan says, as Terp reads it."""
        self._inputs.write_text(json.dumps(inputs))
        log = self.folder / "events.jsonl"
        with (
            progress_for(Console(quiet=True), self.folder / "timings.json") as story,
            story.task("preview") as task,
            EventLog(log, task, expected=3) as events,
        ):
            self.pulumi("preview", UNPROTECTED, "--event-log", str(log), hand=False)
        return events.changes

    def state(self) -> dict[str, Any]:
        """The inputs of what there is, by type."""
        exported = json.loads(self.pulumi("stack", "export"))
        return {each["type"]: each.get("inputs") for each in exported["deployment"]["resources"]}


@pytest.fixture
def project(tmp_path: Path, toolchain: Toolchain) -> Project:
    made = Project(tmp_path, toolchain)
    made.up(RAISED)
    return made


@pytest.mark.parametrize(
    ("change", "override"),
    [
        ({CLUSTER: {"kubernetes_version": "1.35.0"}}, "kubernetes-minor:demo"),
        ({PLATFORM: platform("harbor")}, "remove-application:minio"),
        ({CLUSTER: None}, "delete-cluster:demo"),
    ],
)
def test_it_is_refused_until_it_is_allowed_by_name(
    project: Project, change: dict[str, Any], override: str
) -> None:
    wanted = {kind: each for kind, each in {**RAISED, **change}.items() if each is not None}
    before = project.state()
    said = project.up(wanted, fails=True)
    assert f"TERP_ALLOW={override}" in said
    assert project.state() == before
    project.up(wanted, allow=override)
    assert project.state() != before


def test_what_goes_one_version_at_a_time_passes(project: Project) -> None:
    project.up({PLATFORM: platform("harbor", "minio", "vault"), CLUSTER: {"kubernetes_version": "1.34.0"}})
    project.up({PLATFORM: platform("harbor", "minio", "vault"), CLUSTER: {"kubernetes_version": "1.35.0"}})


def test_an_update_without_a_preview_ends_before_its_step(project: Project) -> None:
    before = project.state()
    said = project.up({**RAISED, CLUSTER: {"kubernetes_version": "1.35.0"}}, "--skip-preview", fails=True)
    assert "TERP_ALLOW=kubernetes-minor:demo" in said
    assert project.state()[CLUSTER] == before[CLUSTER]


@pytest.mark.parametrize(
    ("change", "operations", "overrides"),
    [
        ({}, {}, []),
        ({CLUSTER: {"kubernetes_version": "1.34.0"}}, {CLUSTER: "update"}, []),
        ({CLUSTER: {"name": "other"}}, {CLUSTER: "replace"}, ["delete-cluster:demo"]),
        ({CLUSTER: None}, {CLUSTER: "delete"}, ["delete-cluster:demo"]),
        ({PLATFORM: platform("harbor")}, {PLATFORM: "update"}, ["remove-application:minio"]),
    ],
)
def test_the_engines_own_plan_is_read_as_it_is_meant(
    project: Project, change: dict[str, Any], operations: dict[str, str], overrides: list[str]
) -> None:
    wanted = {kind: {**RAISED[kind], **each} for kind, each in change.items() if each is not None}
    kept = {kind: each for kind, each in RAISED.items() if kind not in change}
    changes = project.preview({**kept, **wanted})
    plan = plan_of_events(changes.events, raised=True)
    assert {step.kind: step.operation for step in plan.changes} == operations
    found = judge(plan, read(project.folder / "stacks" / "Pulumi.demo.yaml"))
    assert [each.override for each in found] == overrides
    assert changes.settled == (not change)
    forced = [step.forced_by for step in plan.changes if step.operation == "replace"]
    assert forced in ([], [("name",)])
