"""Before its servers go, a cluster gives back what it has made in the cloud: balancers and volumes.

Nothing here can hang: every wait has an end, and what has not gone by then is looked for on the cloud, where
it has the cluster's name (`terp.stack.reap.ownership`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from kubernetes.client import ApiException

from terp.errors import TerpError
from terp.gitops.application import NAMESPACE, ROOT
from terp.gitops.cluster import Cluster
from terp.gitops.observation import API_VERSION, APPLICATION, applications
from terp.kubernetes.acceptance.api import SilentError, wait
from terp.progress import Task

CINDER = "cinder.csi.openstack.org"
STORAGE = "storage.k8s.io/v1"
TO_GO = 120.0
"""Seconds that balancers have to go, and as many that volumes have."""


class Object(NamedTuple):
    """A namespaced object."""

    namespace: str
    name: str


def withdraw(kubeconfig: str, kept: Collection[str], task: Task, limit: float = TO_GO) -> list[str]:
    """Give all of it back, but for the volumes whose ids are `kept`, which are let go of cleanly.

    Returns what did not go in time, or could not be asked for.
    """
    try:
        with Cluster(kubeconfig) as cluster:
            _applications(cluster, task)
            return [*_services(cluster, task, limit), *_volumes(cluster, kept, task, limit)]
    except (TerpError, ApiException) as error:
        return [f"the cluster does not answer: {str(error).partition(chr(10))[0]}"]


def _applications(cluster: Cluster, task: Task) -> None:
    """Take all Applications away, and leave what they have made: it goes with the cluster.

    The root comes first, so that it makes none anew, and then the last waves; without their finalizers
    nothing holds them. Nobody heals then what is removed next.
    """
    task.update("Applications")
    names = [ROOT, *(each.name for each in reversed(applications(cluster)))]
    for name in names:
        if cluster.read(API_VERSION, APPLICATION, name, NAMESPACE):
            cluster.change(API_VERSION, APPLICATION, name, NAMESPACE, {"metadata": {"finalizers": None}})
            cluster.remove(API_VERSION, APPLICATION, name, NAMESPACE)


def _services(cluster: Cluster, task: Task, limit: float) -> list[str]:
    """Remove the Services that have a balancer; the cloud controller holds each until that is gone."""

    def left() -> list[Object]:
        return [
            _name(each)
            for each in cluster.listed("v1", "Service")
            if each["spec"].get("type") == "LoadBalancer"
        ]

    for service in left():
        task.update(f"Service {service.namespace}/{service.name}")
        cluster.remove("v1", "Service", service.name, service.namespace)
    return [f"Service {each.namespace}/{each.name}" for each in _until_gone("balancers", left, limit)]


def _volumes(cluster: Cluster, kept: Collection[str], task: Task, limit: float) -> list[str]:
    """Remove claims and end the pods that use them. New pods find no node, so that volumes are detached.

    A kept volume loses nothing but its pods: its claim stays, and is told to keep what it is bound to.
    """
    volumes = [each for each in cluster.listed("v1", "PersistentVolume") if _handle(each)]
    if not volumes:
        return []
    for node in cluster.listed("v1", "Node"):
        cluster.change("v1", "Node", node["metadata"]["name"], "", {"spec": {"unschedulable": True}})
    claims = {claim for each in volumes if (claim := _claim(each))}
    for each in volumes:
        name, claim = each["metadata"]["name"], _claim(each)
        if _handle(each) in kept:
            cluster.change(
                "v1", "PersistentVolume", name, "", {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}
            )
        elif claim:
            task.update(f"claim {claim.namespace}/{claim.name}")
            cluster.remove("v1", "PersistentVolumeClaim", claim.name, claim.namespace)
    for pod in cluster.listed("v1", "Pod"):
        if claims & set(_claims(pod)):
            cluster.remove("v1", "Pod", *reversed(_name(pod)))

    def left() -> list[Object]:
        attachments = cluster.listed(STORAGE, "VolumeAttachment")
        attached = {each["spec"]["source"].get("persistentVolumeName") for each in attachments}
        still = [each for each in cluster.listed("v1", "PersistentVolume") if _handle(each)]
        return [
            Object("", each["metadata"]["name"])
            for each in still
            if each["metadata"]["name"] in attached
            or each["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
        ]

    return [f"PersistentVolume {each.name}" for each in _until_gone("volumes", left, limit)]


def _until_gone(what: str, left: Callable[[], list[Object]], limit: float) -> list[Object]:
    try:
        wait(what, lambda: not left(), limit, 2)
    except SilentError:
        return left()
    return []


def _name(found: Mapping[str, Any]) -> Object:
    return Object(found["metadata"]["namespace"], found["metadata"]["name"])


def _handle(volume: Mapping[str, Any]) -> str:
    """The id of the volume in Cinder; nothing of a PersistentVolume of another kind."""
    csi = volume["spec"].get("csi") or {}
    return str(csi.get("volumeHandle", "")) if csi.get("driver") == CINDER else ""


def _claim(volume: Mapping[str, Any]) -> Object | None:
    claim = volume["spec"].get("claimRef")
    return Object(claim["namespace"], claim["name"]) if claim else None


def _claims(pod: Mapping[str, Any]) -> Iterable[Object]:
    """Those that a pod has mounted."""
    for volume in pod["spec"].get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            yield Object(pod["metadata"]["namespace"], claim["claimName"])
