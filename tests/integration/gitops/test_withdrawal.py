"""A cluster gives back what it has made in the cloud, also when nothing helps it to."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from terp.cloud.process import wait_for
from terp.gitops.application import NAMESPACE, ROOT
from terp.gitops.cluster import Cluster
from terp.progress import Progress
from terp.stack.withdrawal import withdraw
from terp.tools import Toolchain
from tests.integration.gitops.control_plane import ControlPlane, started
from tests.integration.gitops.processes import free_port

pytestmark = [pytest.mark.tools, pytest.mark.timeout(300)]

KINDS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "applications.argoproj.io"},
    "spec": {
        "group": "argoproj.io",
        "scope": "Namespaced",
        "names": {"kind": "Application", "plural": "applications"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}
HOLDS = "service.kubernetes.io/load-balancer-cleanup"
LIMIT = 8.0


def application(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
    }


def volume(name: str) -> list[dict[str, Any]]:
    """A volume of Cinder with its claim, and a pod that uses it."""
    claim = {"namespace": "default", "name": name}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"pvc-{name}"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "capacity": {"storage": "1Gi"},
                "claimRef": claim,
                "csi": {"driver": "cinder.csi.openstack.org", "volumeHandle": f"id-of-{name}"},
                "persistentVolumeReclaimPolicy": "Delete",
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": claim,
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
                "storageClassName": "",
                "volumeName": f"pvc-{name}",
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": claim,
            "spec": {
                "containers": [{"name": "only", "image": "none"}],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
            },
        },
    ]


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default", "finalizers": [HOLDS]},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
}


@pytest.fixture(scope="module")
def cluster(
    toolchain: Toolchain, progress: Progress, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """One without a platform."""
    with started(toolchain, progress, tmp_path_factory.mktemp("withdrawal")) as found:
        yield found


@pytest.fixture
def made(cluster: ControlPlane) -> Iterator[Cluster]:
    cluster.apply([KINDS, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}])
    cluster.apply([application(ROOT), application("harbor"), SERVICE, *volume("data"), *volume("kept")])
    with Cluster(cluster.kubeconfig.read_text()) as found:
        wait_for(
            "the claims to be bound",
            lambda: (
                [each["status"]["phase"] for each in found.listed("v1", "PersistentVolumeClaim")]
                == ["Bound", "Bound"]
            ),
            60,
        )
        yield found
        let_go(found)
        for each in found.listed("v1", "PersistentVolumeClaim"):
            found.remove("v1", "PersistentVolumeClaim", each["metadata"]["name"], "default")
        for each in found.listed("v1", "PersistentVolume"):
            found.change(
                "v1", "PersistentVolume", each["metadata"]["name"], "", {"metadata": {"finalizers": None}}
            )
            found.remove("v1", "PersistentVolume", each["metadata"]["name"], "")
        found.change("v1", "Node", "node", "", {"spec": {"unschedulable": None}})
        wait_for("the volumes to go", lambda: not found.listed("v1", "PersistentVolume"), 60)


def let_go(cluster: Cluster) -> None:
    """What the cloud controller and Cinder's provisioner do in the end."""
    for each in cluster.listed("v1", "Service"):
        if "deletionTimestamp" in each["metadata"]:
            cluster.change(
                "v1", "Service", each["metadata"]["name"], "default", {"metadata": {"finalizers": None}}
            )
    for each in cluster.listed("v1", "PersistentVolume"):
        released = each["status"].get("phase") == "Released"
        if released and each["spec"]["persistentVolumeReclaimPolicy"] == "Delete":
            cluster.remove("v1", "PersistentVolume", each["metadata"]["name"], "")


@contextmanager
def controllers(kubeconfig: str) -> Iterator[None]:
    """Those that let go, in the block."""
    over = threading.Event()

    def work() -> None:
        with Cluster(kubeconfig) as cluster:
            while not over.wait(0.5):
                let_go(cluster)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def test_all_is_given_back_but_what_is_kept(cluster: ControlPlane, made: Cluster, progress: Progress) -> None:
    text = cluster.kubeconfig.read_text()
    with controllers(text), progress.task("withdraw") as task:
        assert withdraw(text, {"id-of-kept"}, task, 60) == []
    assert made.listed("argoproj.io/v1alpha1", "Application") == []
    assert [each["metadata"]["name"] for each in made.listed("v1", "Service")] == ["kubernetes"]
    (left,) = made.listed("v1", "PersistentVolume")
    assert left["spec"]["csi"]["volumeHandle"] == "id-of-kept"
    assert left["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert left["status"]["phase"] == "Bound"
    assert made.listed("v1", "Pod") == []


def test_what_nobody_lets_go_of_is_said_in_time(
    cluster: ControlPlane, made: Cluster, progress: Progress
) -> None:
    start = time.monotonic()
    with progress.task("withdraw") as task:
        said = withdraw(cluster.kubeconfig.read_text(), (), task, LIMIT)
    assert time.monotonic() - start < 2 * LIMIT + 15
    assert said == ["Service default/web", "PersistentVolume pvc-data", "PersistentVolume pvc-kept"]
    assert made.listed("argoproj.io/v1alpha1", "Application") == []


def test_a_cluster_that_is_gone_holds_nothing_up(cluster: ControlPlane, progress: Progress) -> None:
    access = yaml.safe_load(cluster.kubeconfig.read_text())
    access["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    with progress.task("withdraw") as task:
        (said,) = withdraw(yaml.safe_dump(access), (), task, LIMIT)
    assert "does not answer" in said
