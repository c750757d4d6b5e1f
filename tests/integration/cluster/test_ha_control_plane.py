"""The control plane grows to three, loses one for good, and has another in its place."""

import pytest

from tests.integration.cluster.site import ClusterSite, wait_for

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(1200)]

NAMES = {f"kube-control-plane-{number}" for number in range(3)}


def members(site: ClusterSite) -> set[str]:
    """The members of etcd that are healthy, by the names that their hosts have."""
    command = (
        "sudo kubectl --kubeconfig /etc/kubernetes/admin.conf --namespace kube-system exec "
        "etcd-$(hostname) -- etcdctl --cacert /etc/kubernetes/pki/etcd/ca.crt "
        "--cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key "
    )
    alive = next(name for name in sorted(NAMES) if site.remote(name).run("true").succeeded)
    listed = site.remote(alive).check_output(f"{command} member list")
    site.remote(alive).check_output(f"{command} endpoint health --cluster")
    return {line.split(", ")[2] for line in listed.splitlines()}


def test_one_becomes_three(site: ClusterSite) -> None:
    site.change(nodes__control_plane__count=3)
    site.up()
    ready = site.ready()
    assert ready.keys() >= NAMES
    assert all(ready.values())
    assert members(site) == NAMES


def test_the_api_answers_while_the_first_is_dead_and_another_takes_its_place(site: ClusterSite) -> None:
    """The first does for the others what is done once: it is the one that Kubespray cannot lose."""
    first = "kube-control-plane-0"
    old = site.hosts[first].server_id
    site.cloud.terp("fault", "kill", first)
    wait_for("the API to go on without it", lambda: not site.ready()[first], 120, 2)
    urn = (
        "urn:pulumi:kube::terp::terp:openstack:Cloud$terp:openstack:NodePool$openstack:compute/"
        "instance:Instance::control-plane-0"
    )
    done = site.terp("up", str(site.file), "--", "--replace", urn, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    before = site.runs()
    assert set(site.up()["changes"]) == {"same", "read"}
    assert site.runs() == before
    assert site.hosts[first].server_id != old
    assert all(site.ready().values())
    assert members(site) == NAMES


def test_three_become_one(site: ClusterSite) -> None:
    site.change(nodes__control_plane__count=1)
    site.up()
    ready = site.ready()
    assert NAMES & ready.keys() == {"kube-control-plane-0"}
    assert all(ready.values())
    assert members(site) == {"kube-control-plane-0"}
