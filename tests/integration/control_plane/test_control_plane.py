"""A control plane of three is upgraded, loses its first for good, has another in its place, and shrinks."""

import pytest

from terp.cloud.process import wait_for
from terp.environment.kubernetes import EMBEDDED_VERSIONS
from tests.integration.cluster.site import ClusterSite

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(1500)]

NAMES = {f"trio-control-plane-{number}" for number in range(3)}
FIRST, WORKER = "trio-control-plane-0", "trio-cpu-0"
NEW, OLD = EMBEDDED_VERSIONS[:2]


def members(trio: ClusterSite) -> set[str]:
    """The members of etcd that are healthy, by the names that their hosts have."""
    command = (
        "sudo kubectl --kubeconfig /etc/kubernetes/admin.conf --namespace kube-system exec "
        "etcd-$(hostname) -- etcdctl --cacert /etc/kubernetes/pki/etcd/ca.crt "
        "--cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key "
    )
    alive = next(name for name in sorted(NAMES) if trio.answers(name))
    listed = trio.remote(alive).check_output(f"{command} member list")
    trio.remote(alive).check_output(f"{command} endpoint health --cluster")
    return {line.split(", ")[2] for line in listed.splitlines()}


def test_all_three_run_everything(trio: ClusterSite) -> None:
    assert trio.ready() == dict.fromkeys({*NAMES, WORKER}, True)
    assert members(trio) == NAMES


def test_an_upgrade_begins_with_the_control_plane_and_drains_workers(trio: ClusterSite) -> None:
    before = len(trio.runs())
    assert trio.api().version == OLD
    trio.change(kubernetes__version=NEW)
    said = trio.up()["cluster"]
    assert trio.api().version == NEW
    assert {node.version for node in trio.api().nodes().values()} == {NEW}
    assert all(trio.ready().values())
    assert trio.new_runs(before) == ["upgrade-cluster.yml", "upgrade-cluster.yml"]
    assert any("snapshot of etcd" in line for line in said)
    begun = [line for line in said if line.startswith("run ") and ": upgrade-cluster.yml on " in line]
    assert [FIRST in line for line in begun] == [True, False]
    assert [WORKER in line for line in begun] == [False, True]


def test_there_is_no_way_back(trio: ClusterSite) -> None:
    before = trio.runs()
    trio.change(kubernetes__version=OLD)
    said = trio.fails()
    trio.change(kubernetes__version=NEW)
    assert f"Kubernetes would go from {NEW} back to {OLD}" in said
    assert trio.runs() == before


def test_the_api_goes_on_while_the_first_is_dead_and_another_takes_its_place(trio: ClusterSite) -> None:
    """The first does for the others what is done once: the one that Kubespray must not lose."""
    old = trio.hosts[FIRST].server_id
    trio.cloud.terp("fault", "kill", FIRST)
    wait_for("the API to go on without it", lambda: not trio.ready()[FIRST], 120, 2)
    urn = (
        "urn:pulumi:trio::terp::terp:openstack:Cloud$terp:openstack:NodePool$openstack:compute/"
        "instance:Instance::control-plane-0"
    )
    done = trio.terp("up", str(trio.file), "--", "--replace", urn)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    before = trio.runs()
    assert set(trio.up()["changes"]) <= {"same", "read"}
    assert trio.runs() == before
    assert "recover-control-plane.yml" in before
    assert trio.hosts[FIRST].server_id != old
    assert trio.ready() == dict.fromkeys({*NAMES, WORKER}, True)
    assert members(trio) == NAMES


def test_three_become_one(trio: ClusterSite) -> None:
    trio.change(nodes__control_plane__count=1)
    trio.up()
    assert trio.ready() == {FIRST: True, WORKER: True}
    assert members(trio) == {FIRST}
