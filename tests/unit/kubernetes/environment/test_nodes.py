"""Which nodes a cluster has, in which order, with which roles."""

from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.environment import Environment, check
from terp.environment.nodes import Taint
from terp.kubernetes.nodes import CONTROL_PLANE_ALONE, jump_of, nodes_of
from terp.openstack.hosts import Host
from terp.openstack.servers import Role

GPU = Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule")


def environment(*, schedulable: bool = False, etcd: bool = False) -> Environment:
    nodes: dict[str, Any] = {
        "image": "debian-12",
        "control_plane": {"flavor": "m1.large", "schedulable": schedulable},
        "pools": {"cpu": {"count": 1, "flavor": "m1.large"}},
    }
    if etcd:
        nodes["etcd"] = {"flavor": "m1.large"}
    return check({"cloud": {"name": "internal"}, "nodes": nodes})


def host(name: str, role: Role = "worker", **more: Any) -> Host:
    number = sum(name.encode()) % 200
    return Host(
        name=name,
        server_id=name,
        role=role,
        group=role,
        number=0,
        user="debian",
        address=IPv4Address(f"10.0.0.{number}"),
        host_key="ssh-ed25519 AAAA",
        **more,
    )


def names(*hosts: Host, recorded: tuple[str, ...] = ()) -> list[str]:
    return [node.name for node in nodes_of(hosts, environment(), recorded)]


def test_new_nodes_come_after_those_that_are_recorded():
    hosts = (host("control-plane-0", "control-plane"), host("a-0"), host("cpu-0"), host("cpu-1"))
    assert names(*hosts) == ["control-plane-0", "a-0", "cpu-0", "cpu-1"]
    assert names(*hosts, recorded=("cpu-1", "control-plane-0")) == [
        "cpu-1",
        "control-plane-0",
        "a-0",
        "cpu-0",
    ]


def test_nodes_that_are_gone_are_left_out_and_the_rest_keeps_its_order():
    hosts = (host("control-plane-1", "control-plane"), host("control-plane-2", "control-plane"))
    recorded = ("control-plane-2", "control-plane-0", "control-plane-1")
    assert names(*hosts, recorded=recorded) == ["control-plane-2", "control-plane-1"]


words = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(there=words, recorded=words)
def test_whatever_comes_and_goes_no_node_that_stays_moves(there: list[str], recorded: list[str]):
    found = names(*map(host, there), recorded=tuple(recorded))
    stayed = [name for name in recorded if name in there]
    assert found[: len(stayed)] == stayed
    assert found[len(stayed) :] == [name for name in there if name not in recorded]


@pytest.mark.parametrize(
    ("role", "settings", "roles"),
    [
        ("control-plane", {}, ("control-plane", "etcd")),
        ("control-plane", {"schedulable": True}, ("control-plane", "etcd", "worker")),
        ("control-plane", {"etcd": True}, ("control-plane",)),
        ("etcd", {"etcd": True}, ("etcd",)),
        ("worker", {}, ("worker",)),
    ],
)
def test_roles(role: Role, settings: dict[str, bool], roles: tuple[str, ...]):
    (node,) = nodes_of([host("a-0", role)], environment(**settings))
    assert node.roles == roles


def test_a_control_plane_without_pods_has_its_taint_and_workers_keep_their_own():
    hosts = [host("a", "control-plane"), host("b", taints=(GPU,), labels={"disk": "fast"})]
    alone, worker = nodes_of(hosts, environment())
    assert alone.taints == (CONTROL_PLANE_ALONE,)
    assert (worker.taints, dict(worker.labels)) == ((GPU,), {"disk": "fast"})
    assert nodes_of(hosts, environment(schedulable=True))[0].taints == ()


def test_ssh_goes_to_the_floating_ip_or_through_the_bastion():
    bastion = host("bastion", "bastion", floating_ip=IPv4Address("198.51.100.9"))
    (node,) = nodes_of([bastion, host("a")], environment())
    jump = jump_of([host("a"), bastion])
    assert jump is not None
    assert (str(jump.access_address), jump.roles) == ("198.51.100.9", ())
    assert node.access_address == node.address
    assert jump_of([host("a")]) is None
