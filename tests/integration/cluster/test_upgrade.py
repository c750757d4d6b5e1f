"""From one minor version of Kubernetes to the next."""

import pytest

from terp.environment.kubernetes import EMBEDDED_VERSIONS
from tests.integration.cluster.site import CONTROL_PLANE, ClusterSite

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(1500)]

NEW, OLD = EMBEDDED_VERSIONS[:2]


def test_the_control_plane_goes_first_then_the_workers_are_drained_and_follow(site: ClusterSite) -> None:
    before = len(site.runs())
    assert site.api().version == OLD
    site.change(kubernetes__version=NEW)
    said = site.up()["cluster"]
    assert site.api().version == NEW
    assert {node.version for node in site.api().nodes().values()} == {NEW}
    assert all(site.ready().values())
    assert site.new_runs(before) == ["upgrade-cluster.yml", "upgrade-cluster.yml"]
    assert any("snapshot of etcd" in line for line in said)
    plans = [line for line in said if line.startswith("plan ") and "upgrade-cluster.yml" in line]
    assert [CONTROL_PLANE in line for line in plans] == [True, False]


def test_there_is_no_way_back(site: ClusterSite) -> None:
    before = site.runs()
    site.change(kubernetes__version=OLD)
    said = site.fails()
    site.change(kubernetes__version=NEW)
    assert f"Kubernetes would go from {NEW} back to {OLD}" in said
    assert site.runs() == before
    assert set(site.up()["changes"]) == {"same", "read"}
