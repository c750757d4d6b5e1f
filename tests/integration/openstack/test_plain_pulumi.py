"""Pulumi alone on the work tree's own project: from nothing to nothing, and Terp on the same state."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from terp.paths import PROJECT
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.openstack.samples import small
from tests.integration.openstack.site import Site, everything

pytestmark = [pytest.mark.tools, pytest.mark.cloud, pytest.mark.timeout(900)]


@pytest.fixture
def site(cloud: EmbeddedCloud, tmp_path: Path) -> Iterator[Site]:
    """A stack in a copy of the work tree, which Pulumi may write into."""
    tree = tmp_path / "tree"
    (tree / "stacks").mkdir(parents=True)
    shutil.copy(PROJECT / "Pulumi.yaml", tree)
    shutil.copytree(PROJECT / "platform", tree / "platform", ignore=shutil.ignore_patterns("__pycache__"))
    site = Site(cloud, tree / "stacks", "plain", small(cpu=1))
    site.project = tree
    yield site
    site.destroy()


def test_plain_pulumi_raises_changes_and_destroys_what_terp_would(site: Site) -> None:
    site.pulumi("stack", "init")
    site.pulumi("up", "--yes")
    raised = site.things()
    assert set(raised["servers"]) == {"control-plane-0", "cpu-0"}
    assert {server["status"] for server in raised["servers"].values()} == {"ACTIVE"}
    with site.frozen():
        site.pulumi("refresh", "--yes")  # the stack reads its own outputs, which are new after the first up
        site.pulumi("refresh", "--yes", "--expect-no-changes")
        site.pulumi("preview", "--expect-no-changes")
        assert site.up()["steps"] == []
    site.file.write_text(site.file.read_text().replace("count: 1", "count: 2"))
    site.up()
    grown = site.things()["servers"]
    assert grown["cpu-0"]["id"] == raised["servers"]["cpu-0"]["id"]
    assert set(grown) == {"control-plane-0", "cpu-0", "cpu-1"}
    with site.frozen():
        site.pulumi("preview", "--expect-no-changes")
    site.pulumi("destroy", "--yes")
    assert not any(everything(site.member).values())
