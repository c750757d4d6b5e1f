"""A cluster that `terp up` made, before anything changes."""

import json
import subprocess

import pytest

from terp.tools import installed
from tests.integration.cluster.site import CONTROL_PLANE, NODES, ClusterSite

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(1500)]


def test_every_host_is_a_node_that_is_ready(site: ClusterSite) -> None:
    assert site.ready() == dict.fromkeys(NODES, True)
    assert site.new_runs(0) == ["cluster.yml"]


def test_kubectl_takes_the_kubeconfig_that_was_written(site: ClusterSite) -> None:
    toolchain = installed("embedded")
    assert toolchain
    program = [toolchain.path("kubectl"), "--kubeconfig", site.kubeconfig, "get", "nodes", "--output", "json"]
    said = json.loads(subprocess.run(program, capture_output=True, check=True, timeout=60).stdout)
    assert {each["metadata"]["name"] for each in said["items"]} == NODES
    assert site.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_the_cluster_does_what_a_cluster_does(site: ClusterSite) -> None:
    done = site.terp("test", str(site.file), "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0, report
    outcomes = {each["check"]: each["outcome"] for each in report["results"]}
    assert outcomes.pop("network policies are enforced") == "not applicable"
    assert set(outcomes.values()) == {"passed"}


def test_the_status_is_that_everything_is_well(site: ClusterSite) -> None:
    done = site.terp("status", str(site.file), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    status = json.loads(done.stdout)
    nodes = {each["name"]: each["node"] for each in status["hosts"] if each["role"] != "bastion"}
    assert nodes == dict.fromkeys(NODES, "Ready")
    assert {each["server"] for each in status["hosts"]} == {"ACTIVE"}
    assert status["applications"] == []


def test_nothing_runs_when_nothing_changed(site: ClusterSite) -> None:
    before = site.runs()
    assert set(site.up()["changes"]) <= {"same", "read"}
    refreshed = site.terp("up", str(site.file), "--json", "--refresh")
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    assert site.runs() == before


def test_a_plan_says_what_would_run_why_and_how_long(site: ClusterSite) -> None:
    before = site.runs()
    site.change(kubernetes__hardening__audit=False)
    done = site.terp("plan", str(site.file))
    site.change(kubernetes__hardening=None)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"upgrade-cluster.yml on {CONTROL_PLANE}" in done.stdout
    assert "kubernetes_audit" in done.stdout
    assert site.runs() == before
