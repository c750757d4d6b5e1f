"""What holds an Application: the object that is not as it should be, in the words of who looks after it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kubernetes.client import ApiException

from terp.gitops.cluster import Cluster
from terp.gitops.observation import SeenApplication, SeenObject

Manifest = Mapping[str, Any]
LINES = 5
"""Of a container's log."""
WARNINGS = 3
"""Events of one object."""
CONDITIONS = ("Ready", "Available", "Established", "Programmed")
"""By which operators say whether what they look after works."""


def holding(cluster: Cluster, application: SeenApplication) -> Iterator[str]:
    """`Deployment harbor-core: 0 of 1 available; harbor-core-7d…: ImagePullBackOff: …`, for each object."""
    return (_line(each) for each in _troubled(cluster, application))


def diagnosis(cluster: Cluster, application: SeenApplication) -> Iterator[str]:
    """Everything that a person would look up next: what holds it, its events, the ends of its logs."""
    yield f"{application.name}: {application.message}"
    troubled = list(_troubled(cluster, application))
    yield from (f"  {_line(each)}" for each in troubled)
    for each in troubled:
        namespace = each.object.namespace
        yield from (f"  {line}" for line in _events(cluster, namespace, [each.object.name]))
        for pod in each.pods:
            name = pod["metadata"]["name"]
            yield from (f"  {line}" for line in _events(cluster, namespace, [name]))
            yield from (f"  {name}: {line}" for line in _log(cluster, pod))


class Troubled(NamedTuple):
    """An object that is not as it should be, what it says, and those of its pods that are not ready."""

    object: SeenObject
    said: str
    pods: tuple[Manifest, ...] = ()


def _troubled(cluster: Cluster, application: SeenApplication) -> Iterator[Troubled]:
    for each in application.objects:
        found = cluster.read(each.version, each.kind, each.name, each.namespace)
        if found is None:
            yield Troubled(each, "")
        elif said := trouble(each.kind, found):
            yield Troubled(each, said, tuple(pod for pod in _pods(cluster, found) if _pod(pod)))


def _line(troubled: Troubled) -> str:
    named = f"{troubled.object.kind} {troubled.object.name}"
    if not troubled.said:
        return f"{named} is not there"
    return f"{named}: {'; '.join(dict.fromkeys((troubled.said, *map(_pod, troubled.pods))))}"


def trouble(kind: str, found: Manifest) -> str:
    """What an object says against itself; empty when it is well, or says nothing."""
    spec, status = found.get("spec", {}), found.get("status", {})
    if not isinstance(spec, dict) or not isinstance(status, dict):
        return ""
    match kind:
        case "Deployment" | "StatefulSet" | "ReplicaSet":
            wanted = spec.get("replicas", 1)
            there = status.get("availableReplicas", status.get("readyReplicas", 0))
            return f"{there} of {wanted} available{_quota(status)}" if there < wanted else ""
        case "DaemonSet":
            wanted, there = status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
            return f"{there} of {wanted} available" if there < wanted else ""
        case "Job":
            failed = [each for each in status.get("conditions", ()) if each["type"] == "Failed"]
            done = status.get("succeeded", 0) >= spec.get("completions", 1)
            return "; ".join(each.get("message", "failed") for each in failed) or ("" if done else "runs")
        case "PersistentVolumeClaim":
            phase = status.get("phase", "Pending")
            return "" if phase == "Bound" else f"is {phase}: no volume is bound to it"
        case "Pod":
            return _pod(found)
    return "; ".join(_conditions(status))


def _conditions(status: Manifest) -> Iterator[str]:
    for each in status.get("conditions", ()):
        if isinstance(each, dict) and each.get("type") in CONDITIONS and each.get("status") == "False":
            yield f"not {each['type']}: {each.get('message') or each.get('reason', '')}".rstrip(": ")


def _quota(status: Manifest) -> str:
    """Why pods were not even made: a quota, or Pod Security."""
    said = [
        each.get("message", "") for each in status.get("conditions", ()) if each["type"] == "ReplicaFailure"
    ]
    return f": {'; '.join(said)}" if said else ""


def _pods(cluster: Cluster, owner: Manifest) -> Iterable[Manifest]:
    """The pods that a workload selects."""
    spec = owner.get("spec", {})
    labels = spec.get("selector", {}).get("matchLabels", {}) if isinstance(spec, dict) else {}
    if not labels or not isinstance(labels, dict):
        return ()
    chosen = ",".join(f"{key}={value}" for key, value in labels.items())
    return cluster.listed("v1", "Pod", owner["metadata"]["namespace"], labelSelector=chosen)


def _pod(pod: Manifest) -> str:
    """Why a pod is not ready; empty when it is, or has done its work."""
    status = pod.get("status", {})
    conditions = {each["type"]: each for each in status.get("conditions", ())}
    if status.get("phase") == "Succeeded" or conditions.get("Ready", {}).get("status") == "True":
        return ""
    said = [conditions.get("PodScheduled", {}).get("message", "")]
    for each in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        states = (each.get("state", {}).get(state) for state in ("waiting", "terminated"))
        said += [f"{of.get('reason', '')}: {of.get('message', '')}".strip(": ") for of in states if of]
    reasons = [each for each in said if each and each not in ("Completed", "PodInitializing")]
    return f"{pod['metadata']['name']}: {'; '.join(reasons) or status.get('phase', 'Pending')}"


def _events(cluster: Cluster, namespace: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        chosen = f"involvedObject.name={name},type=Warning"
        found = cluster.listed("v1", "Event", namespace, fieldSelector=chosen)
        for each in found[-WARNINGS:]:
            yield f"{each['involvedObject']['kind']} {name}: {each['reason']}: {each.get('message', '')}"


def _log(cluster: Cluster, pod: Manifest) -> Iterator[str]:
    """The end of what its containers said that have failed, or run and are not ready."""
    name, namespace, status = pod["metadata"]["name"], pod["metadata"]["namespace"], pod["status"]
    for each in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        state = each.get("state", {})
        waits, fell = "waiting" in state, "terminated" in each.get("lastState", {})
        if each.get("ready") or (waits and not fell):  # one that never ran has said nothing
            continue
        try:
            text = cluster.api.core.read_namespaced_pod_log(
                name, namespace, container=each["name"], tail_lines=LINES, previous=waits
            )
        except ApiException as error:
            yield f"{each['name']}: its log cannot be read: {error.status} {error.reason}"
        else:
            yield from (f"{each['name']}: {line}" for line in text.splitlines())
