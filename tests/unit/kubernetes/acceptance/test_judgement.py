from ipaddress import IPv4Address

import pytest

from terp.kubernetes.acceptance import judgement
from terp.kubernetes.acceptance.judgement import SeenPod, Storage
from terp.kubernetes.model import Node, NodeRole, SeenNode


def node(name: str, *roles: NodeRole) -> Node:
    address = IPv4Address("10.0.0.5")
    return Node(
        name=name,
        roles=roles,
        address=address,
        access_address=address,
        user="debian",
        host_key="ssh-ed25519 A",
    )


def seen(version: str = "1.36.3", *, ready: bool = True) -> SeenNode:
    return SeenNode(ready=ready, version=version)


HOSTS = (node("cp-0", "control-plane", "etcd"), node("etcd-0", "etcd"), node("cpu-0", "worker"))


def test_hosts_are_nodes_except_those_of_etcd_alone():
    assert judgement.members(HOSTS, {"cp-0": seen(), "cpu-0": seen()}) == []
    assert judgement.members(HOSTS, {"cp-0": seen(), "old": seen()}) == [
        "cpu-0 is not a node",
        "old is a node, and no host of the stack",
    ]


def test_nodes_are_ready_and_there_are_some():
    assert judgement.readiness({"a": seen(), "b": seen(ready=False)}) == ["b is not Ready"]
    assert judgement.readiness({}) == ["there are no nodes"]


def test_all_versions_are_the_wanted_one():
    assert judgement.versions("1.36.3", {"a": seen()}, "1.36.3") == []
    assert judgement.versions("1.36.3", {"a": seen("1.35.4")}, "1.36.3") == ["a has 1.35.4, not 1.36.3"]
    assert judgement.versions("1.35.4", {"a": seen()}, "1.36.3") == ["the API has 1.35.4, not 1.36.3"]


@pytest.mark.parametrize(("kubelet", "right"), [("1.33.1", True), ("1.32.9", False), ("1.37.0", False)])
def test_without_a_wanted_version_kubelets_go_with_the_api(kubelet, right):
    assert (judgement.versions("1.36.3", {"a": seen(kubelet)}, "") == []) is right


def test_a_part_of_the_api_that_is_not_ok_is_named():
    said = "[+]ping ok\n[-]etcd failed: reason withheld\n[+]log ok\nreadyz check failed"
    assert judgement.endpoint(said) == ["etcd failed: reason withheld"]
    assert judgement.endpoint("[+]ping ok\nreadyz check passed") == []


def test_an_endpoint_that_says_nothing_of_its_parts_is_not_ready():
    assert judgement.endpoint("Unauthorized") == ["Unauthorized"]


def test_pods_of_the_system_run_or_have_done_their_work():
    pods = [
        SeenPod(name="a", phase="Running", ready=True),
        SeenPod(name="b", phase="Succeeded", ready=False),
        SeenPod(name="c", phase="Pending", ready=False, reason="ImagePullBackOff: no such image"),
        SeenPod(name="d", phase="Running", ready=False),
    ]
    assert judgement.system_pods(pods) == ["c: ImagePullBackOff: no such image", "d: Running"]
    assert judgement.system_pods([]) == ["there are none"]


def test_etcd_has_a_healthy_member_on_each_of_its_hosts():
    assert judgement.etcd_members(HOSTS, {"cp-0": True, "etcd-0": True}) == []
    assert judgement.etcd_members(HOSTS, {"cp-0": False}) == ["1 members on 2 hosts", "cp-0 is not healthy"]


def test_the_image_is_that_of_the_clusters_own_dns():
    pods = [("kube-proxy-x", "registry.k8s.io/kube-proxy:v1"), ("coredns-y", "mirror.example.org/dns:v1.12")]
    assert judgement.image_of_dns(pods) == "mirror.example.org/dns:v1.12"
    assert judgement.image_of_dns(pods[:1]) == ""


def test_nodes_that_have_an_image_are_known():
    images = {"b": {"x:1", "y:1"}, "a": {"y:1"}, "c": {"z:1"}}
    assert judgement.having("y:1", images) == ("a", "b")


def test_the_domain_is_that_of_the_clusters_dns():
    corefile = ".:53 {\n    errors\n    kubernetes ml.internal in-addr.arpa ip6.arpa {\n    }\n}\n"
    assert judgement.domain_of(corefile) == "ml.internal"
    assert judgement.domain_of("") == "cluster.local"


@pytest.mark.parametrize("name", ["calico-node", "cilium", "kube-network-policies", "antrea-agent"])
def test_what_enforces_policies_is_known(name):
    assert judgement.enforcer(["kube-proxy", name]) == name


def test_flannel_enforces_none():
    assert judgement.enforcer(["kube-flannel-ds", "kube-proxy", "nodelocaldns"]) == ""


def test_the_default_storage_class_is_tried_first_and_static_ones_never():
    cinder = Storage(name="cinder", provisioner="cinder.csi.openstack.org", default=True)
    other = Storage(name="a", provisioner="csi.example.org", default=False)
    static = Storage(name="0", provisioner="kubernetes.io/no-provisioner", default=True)
    assert judgement.storage_class([static, other, cinder]) == cinder
    assert judgement.storage_class([static, other]) == other
    assert judgement.storage_class([static]) is None
