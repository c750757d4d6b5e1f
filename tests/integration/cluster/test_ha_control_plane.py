"""A control plane of three: it loses its first for good, has another in its place, and shrinks."""

import pytest

from terp.cloud.process import wait_for
from tests.integration.cluster.site import ClusterSite

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(1500)]

NAMES = {f"trio-control-plane-{number}" for number in range(3)}


def members(trio: ClusterSite) -> set[str]:
    """The members of etcd that are healthy, by the names that their hosts have."""
    command = (
        "sudo kubectl --kubeconfig /etc/kubernetes/admin.conf --namespace kube-system exec "
        "etcd-$(hostname) -- etcdctl --cacert /etc/kubernetes/pki/etcd/ca.crt "
        "--cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key "
    )
    alive = next(name for name in sorted(NAMES) if trio.remote(name).run("true").succeeded)
    listed = trio.remote(alive).check_output(f"{command} member list")
    trio.remote(alive).check_output(f"{command} endpoint health --cluster")
    return {line.split(", ")[2] for line in listed.splitlines()}


def test_all_three_run_everything(trio: ClusterSite) -> None:
    assert trio.ready() == dict.fromkeys(NAMES, True)
    assert members(trio) == NAMES


def test_the_api_goes_on_while_the_first_is_dead_and_another_takes_its_place(trio: ClusterSite) -> None:
    """The first does for the others what is done once: the one that Kubespray must not lose."""
    first = "trio-control-plane-0"
    old = trio.hosts[first].server_id
    trio.cloud.terp("fault", "kill", first)
    wait_for("the API to go on without it", lambda: not trio.ready()[first], 120, 2)
    urn = (
        "urn:pulumi:trio::terp::terp:openstack:Cloud$terp:openstack:NodePool$openstack:compute/"
        "instance:Instance::control-plane-0"
    )
    done = trio.terp("up", str(trio.file), "--", "--replace", urn, timeout=1000)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    before = trio.runs()
    assert set(trio.up()["changes"]) == {"same", "read"}
    assert trio.runs() == before
    assert "recover-control-plane.yml" in before
    assert trio.hosts[first].server_id != old
    assert trio.ready() == dict.fromkeys(NAMES, True)
    assert members(trio) == NAMES


def test_three_become_one(trio: ClusterSite) -> None:
    trio.change(nodes__control_plane__count=1)
    trio.up()
    assert trio.ready() == {"trio-control-plane-0": True}
    assert members(trio) == {"trio-control-plane-0"}
