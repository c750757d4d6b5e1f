"""What is told of workloads that drained nodes would take, or that hold their node."""

from typing import Any

import pytest
from tests.unit.gitops.selections import component

from terp.gitops.disruption import undrained

COMPONENTS = {"web": component(), "other": component(namespace="elsewhere")}


def workload(replicas: int | None = None, kind: str = "Deployment") -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "web", "tier": "front"}}}
    spec = {"template": template} | ({} if replicas is None else {"replicas": replicas})
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}


def budget(**spec: object) -> dict[str, Any]:
    selector = {"matchLabels": {"app": "web"}}
    about = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}}
    return {**about, "spec": {"selector": selector, **spec}}


def told(*manifests: dict[str, Any], **others: list[dict[str, Any]]) -> list[str]:
    return [each.message for each in undrained({"web": manifests, **others}, COMPONENTS)]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_several_replicas_without_a_budget_are_told(kind: str):
    (found,) = undrained({"web": [workload(3, kind)]}, COMPONENTS)
    said = "3 replicas without a PodDisruptionBudget, so that draining nodes may take all at once"
    assert str(found) == f"web: {kind} web: {said}"


def test_one_needs_none_and_neither_does_what_runs_on_each_node():
    assert told(workload(1), workload(), workload(3, "DaemonSet")) == []


@pytest.mark.parametrize(
    "spec",
    [
        {"maxUnavailable": 1},
        {"minAvailable": 2},
        {"minAvailable": "50%"},
        {"maxUnavailable": "20%"},
        {"minAvailable": 2, "selector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}},
        {
            "minAvailable": 2,
            "selector": {
                "matchExpressions": [
                    {"key": "app", "operator": "In", "values": ["web"]},
                    {"key": "tier", "operator": "NotIn", "values": ["back"]},
                    {"key": "debug", "operator": "DoesNotExist"},
                ]
            },
        },
    ],
)
def test_a_budget_that_lets_one_go_is_right(spec: dict[str, Any]):
    assert told(workload(3), budget(**spec)) == []


@pytest.mark.parametrize(
    ("replicas", "spec"),
    [
        (3, {"minAvailable": 3}),
        (3, {"minAvailable": "80%"}),
        (None, {"minAvailable": 1}),
        (3, {"maxUnavailable": 0}),
    ],
)
def test_a_budget_that_lets_none_go_is_told(replicas: int | None, spec: dict[str, Any]):
    said = "its PodDisruptionBudget lets no pod go, so that its node cannot be drained"
    assert told(workload(replicas), budget(**spec)) == [said]


def test_what_is_scaled_to_nothing_holds_no_node():
    assert told(workload(0), budget(minAvailable=1)) == []


def test_replicas_are_those_that_an_autoscaler_keeps():
    target = {"kind": "Deployment", "name": "web"}
    about = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}}
    scaler = {**about, "spec": {"scaleTargetRef": target, "minReplicas": 2}}
    assert [each[:10] for each in told(workload(), scaler)] == ["2 replicas"]


def test_a_budget_of_other_pods_or_another_namespace_is_none():
    others = budget(maxUnavailable=1, selector={"matchLabels": {"app": "other"}})
    assert len(told(workload(3), others)) == 1
    assert len(told(workload(3), other=[budget(maxUnavailable=1)])) == 1
    there = budget(maxUnavailable=1)
    there["metadata"]["namespace"] = "app"
    assert told(workload(3), other=[there]) == []
