"""Kubespray's own validation takes what Terp generates, and finds the mistakes that are put into it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.kubespray.clusters import Ansible, Cluster, failed_tasks, said

Prepare = Callable[[Cluster], Ansible]
LOCAL = ("--connection", "local")
BOILERPLATE = "playbooks/boilerplate.yml"


def test_what_terp_generates_is_accepted(environment: Cluster, ansible: Prepare):
    done = ansible(environment).play(BOILERPLATE, *LOCAL)
    assert done.returncode == 0, said(done)
    for node in environment.nodes:
        assert f"{node.name} " in done.stdout.partition("PLAY RECAP")[2]


@pytest.mark.parametrize(
    ("variables", "task"),
    [
        ({"kube_network_plugin": "weave"}, "Stop if unsupported options selected"),
        ({"container_manager": "podman"}, "Stop if unsupported options selected"),
        ({"kube_proxy_mode": "userspace"}, "Stop if unsupported options selected"),
        ({"kube_service_addresses": "10.233.64.0/20", "kube_pods_subnet": "10.233.64.0/20"}, "collide"),
        ({"kube_service_addresses": "10.233.0.0/99"}, "Check that kube_service_addresses is a network range"),
        ({"kube_pods_subnet": "10.233.64.0/33"}, "Check that kube_pods_subnet is a network range"),
        ({"cloud_provider": "openstack"}, "Check cloud_provider value"),
        ({"cloud_provider": "external", "external_cloud_provider": "aws"}, "Check external_cloud_provider"),
        ({"download_run_once": "yes"}, "Stop if known booleans are set as strings"),
        (
            {"kube_network_plugin": "flannel", "kubelet_max_pods": 300},
            "Guarantee that enough network",
        ),
        (
            {"kube_network_plugin": "flannel", "kube_pods_subnet": "10.233.64.0/24"},
            "Check that ipv4",
        ),
        ({"containerd_version": "1.3.6"}, "Ensure minimum containerd version"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_mistake_is_found(variables: dict[str, Any], task: str, sandbox: Cluster, ansible: Prepare):
    done = ansible(sandbox.but(**variables)).play(BOILERPLATE, *LOCAL)
    assert done.returncode != 0
    assert any(task in each for each in failed_tasks(done)), said(done)


@pytest.mark.parametrize(
    ("version", "task"),
    [("9.9.9", "Check if requested Kubernetes are supported"), ("1.20.0", "Stop if unsupported version")],
)
def test_a_kubernetes_that_the_release_does_not_have_is_found(
    version: str, task: str, sandbox: Cluster, ansible: Prepare
):
    done = ansible(replace(sandbox, kubernetes_version=version)).play(BOILERPLATE, *LOCAL)
    assert done.returncode != 0
    assert any(task in each for each in failed_tasks(done)), said(done)


def test_an_even_number_of_etcd_members_is_found(sandbox: Cluster, ansible: Prepare):
    first, second, third = sandbox.nodes
    even = (first, second.model_copy(update={"roles": ("worker", "etcd")}), third)
    done = ansible(replace(sandbox, nodes=even)).play(BOILERPLATE, *LOCAL)
    assert failed_tasks(done) == {"Stop if even number of etcd hosts"}, said(done)


def test_a_cluster_without_a_control_plane_is_found(sandbox: Cluster, ansible: Prepare):
    workers = tuple(node.model_copy(update={"roles": ("worker",)}) for node in sandbox.nodes)
    done = ansible(replace(sandbox, nodes=workers)).play(BOILERPLATE, *LOCAL)
    assert failed_tasks(done) == {"Stop if kube_control_plane group is empty"}, said(done)
