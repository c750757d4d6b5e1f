"""What kwok does: pods become ready and go."""

from collections.abc import Mapping
from typing import Any

from terp.gitops.standins.objects import READY_AFTER

Stage = Mapping[str, Any]
RUNNING = """\
phase: Running
startTime: {{ Now | Quote }}
conditions:
{{ range $type := list "Initialized" "PodScheduled" "ContainersReady" "Ready" }}
- { type: {{ $type }}, status: "True", lastTransitionTime: {{ Now | Quote }} }
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name }}
  image: {{ .image }}
  imageID: ""
  ready: true
  started: true
  restartCount: 0
  state: { running: { startedAt: {{ Now | Quote }} } }
{{ end }}
"""
READY_NODE = """\
phase: Running
conditions:
- { type: Ready, status: "True", reason: StandIn, message: "", lastTransitionTime: {{ Now | Quote }} }
"""


def stages() -> list[Stage]:
    """For nodes and pods."""
    return [_node_runs(), _pod_runs(), _pod_goes()]


def _node_runs() -> Stage:
    begins = [{"key": ".status.phase", "operator": "NotIn", "values": ["Running"]}]
    return _stage("node-runs", ("v1", "Node"), begins, {"statusTemplate": READY_NODE})


def _pod_runs() -> Stage:
    begins = [
        {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
        {"key": ".status.phase", "operator": "NotIn", "values": ["Running"]},
    ]
    takes = {"expressionFrom": f'.metadata.annotations["{READY_AFTER}"]'}
    delay = {"delay": {"durationMilliseconds": 500, "durationFrom": takes}}
    return _stage("pod-runs", ("v1", "Pod"), begins, {"statusTemplate": RUNNING}, **delay)


def _pod_goes() -> Stage:
    ends = [{"key": ".metadata.deletionTimestamp", "operator": "Exists"}]
    return _stage("pod-goes", ("v1", "Pod"), ends, {"finalizers": {"empty": True}, "delete": True})


def _stage(name: str, of: tuple[str, str], when: list[Any], then: Mapping[str, Any], **more: Any) -> Stage:
    version, kind = of
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": version, "kind": kind},
            "selector": {"matchExpressions": when},
            **more,
            "next": then,
        },
    }
