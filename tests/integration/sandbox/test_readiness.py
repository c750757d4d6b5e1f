"""`terp hosts check` on the hosts that `terp up` raised, through the security groups that it made."""

import json

import pytest

from tests.integration.sandbox.site import Site

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools]

OF_THE_MACHINE = {"disk", "kernel"}
"""What containers have of their machine: a busy disk, perhaps cgroup v1."""


def test_hosts_that_were_raised_are_ready_for_kubernetes(site: Site) -> None:
    done = site.terp("hosts", "check", str(site.file), "--json")
    report = json.loads(done.stdout)
    assert report["hosts"] == len(site.hosts)
    assert [each for each in report["findings"] if each["check"] not in OF_THE_MACHINE] == []
    errors = [each for each in report["findings"] if each["severity"] == "error"]
    assert done.returncode == (2 if errors else 0), done.stderr
    assert report["seconds"] < 30


def test_a_stack_without_a_cluster_has_none_to_test(site: Site) -> None:
    done = site.terp("test", str(site.file))
    assert done.returncode == 2
    assert "stack site has no cluster" in done.stderr
