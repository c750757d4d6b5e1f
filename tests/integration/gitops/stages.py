"""What kwok does: pods become ready and go, and what operators look after becomes ready."""

from collections.abc import Mapping
from typing import Any

from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Crd
from tests.standins.objects import READY_AFTER, WORKLOADS, custom_kinds, parts

Stage = Mapping[str, Any]
RUNNING = """\
phase: Running
startTime: {{ Now | Quote }}
podIP: {{ PodIP | Quote }}
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
LOOKED_AFTER = """\
currentState: Initialized
phase: {{ if eq .kind "Cluster" }}Cluster in healthy state{{ else }}Ready{{ end }}
ceph: { health: HEALTH_OK }
observedGeneration: {{ .metadata.generation }}
conditions:
- { type: Ready, status: "True", reason: StandIn, message: "", lastTransitionTime: {{ Now | Quote }} }
- { type: Available, status: "True", reason: StandIn, message: "", lastTransitionTime: {{ Now | Quote }} }
- { type: Reconciled, status: "True", reason: StandIn, message: "", lastTransitionTime: {{ Now | Quote }} }
{{ if eq .kind "HTTPRoute" }}
parents:
- parentRef: { name: stand-in }
  controllerName: stand-in/gateway
  conditions:
  - { type: Accepted, status: "True", observedGeneration: {{ .metadata.generation }} }
  - { type: ResolvedRefs, status: "True", observedGeneration: {{ .metadata.generation }} }
{{ end }}
"""
"""What Argo CD 3.5 asks of those kinds that it knows (resource_customizations), and of no others."""
OF_OUR_CHARTS = ("Certificate", "Cluster", "ExternalSecret", "HTTPRoute")
"""Kinds that Argo CD judges and charts of ours make, beside what components declare as healthy."""


def stages(catalogue: Catalogue) -> list[Stage]:
    """For nodes, pods, and each custom kind that a component declares as healthy."""
    return [
        _node_runs(),
        _pod_runs(),
        _pod_goes(),
        *(
            _stage(
                f"{crd.kind.lower()}-is-looked-after",
                (f"{crd.group}/{crd.versions[0]}", crd.kind),
                [{"key": ".status.phase", "operator": "DoesNotExist"}],
                {"statusTemplate": LOOKED_AFTER},
            )
            for crd in looked_after(catalogue)
        ),
    ]


def looked_after(catalogue: Catalogue) -> list[Crd]:
    """The custom kinds; kwok asks for them when it starts."""
    kinds = custom_kinds(catalogue)
    declared = (
        kind
        for component in catalogue.components.values()
        for kind, _, _ in map(parts, component.health)
        if kind not in WORKLOADS
    )
    return [kinds[kind] for kind in dict.fromkeys((*declared, *OF_OUR_CHARTS))]


def _node_runs() -> Stage:
    begins = [{"key": ".status.phase", "operator": "NotIn", "values": ["Running"]}]
    return _stage("node-runs", ("v1", "Node"), begins, {"statusTemplate": READY_NODE})


def _pod_runs() -> Stage:
    begins = [
        {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
        {"key": ".status.podIP", "operator": "DoesNotExist"},
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
