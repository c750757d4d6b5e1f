"""What preflight says that a plan adds is what the cloud counts when it has come through."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from terp import preflight
from terp.preflight import Report
from terp.progress import Progress, progress_for
from terp.stack.pulumi import Pulumi
from terp.stack.workflow import Deployment
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.preflight.conftest import STACK

pytestmark = [pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(600)]
WANTED: dict[str, Any] = {
    "cloud": {"name": "embedded"},
    "network": {"additional": {"storage": {"cidr": "10.11.0.0/24"}}},
    "nodes": {
        "image": "linux",
        "control_plane": {"flavor": "m1.medium", "etcd_volume": {"size": 5, "type": "fast"}},
        "pools": {
            "cpu": {
                "flavor": "m1.large",
                "count": 2,
                "networks": ["storage"],
                "root_volume": {"size": 40},
                "volumes": {"data": {"size": 10, "type": "fast", "mount": "/var/lib/data"}},
            }
        },
    },
    "access": {
        "bastion": {"flavor": "m1.small"},
        "api": {"endpoint": "load-balancer", "floating_ip": "new"},
    },
    "kubernetes": {"installer": "none"},
}


def test_what_is_added_is_what_is_used_afterwards_and_nothing_more_is_needed(
    cloud: EmbeddedCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TERP_STATE", cloud.env["TERP_STATE"])
    file = tmp_path / f"Pulumi.{STACK}.yaml"
    file.write_text(yaml.safe_dump({"config": {"terp:environment": WANTED}}))
    with progress_for(Console(quiet=True), tmp_path / "timings.json") as story:
        deployment = Deployment(file, story)
        before = report(deployment, None, story)
        try:
            deployment.up()
            state = Pulumi(deployment.workspace, deployment.toolchain).exported()
            after = report(deployment, state, story)
            said = doctor(cloud, file)
        finally:
            deployment.destroy()
        gone = report(deployment, None, story)
    assert before.findings == after.findings == gone.findings == ()
    expected = {row.resource: row.used + row.added for row in before.quota}
    assert {row.resource: row.used for row in after.quota} == expected
    assert {row.resource: row.added for row in after.quota if row.added} == {}
    assert {row["resource"]: row["added"] for row in said["quota"] if row["added"]} == {}
    assert {row.resource: row.used for row in gone.quota} == {row.resource: row.used for row in before.quota}


def doctor(cloud: EmbeddedCloud, file: Path) -> Any:
    """What `terp doctor` says, which reads the stack's state by itself."""
    command = [sys.executable, "-m", "terp", "doctor", str(file), "--json"]
    done = subprocess.run(command, env=cloud.env, check=False, timeout=120, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def report(deployment: Deployment, state: Any, story: Progress) -> Report:
    return preflight.check(STACK, deployment.workspace.environment, state, story, seconds=60)
