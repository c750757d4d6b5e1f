"""What drained nodes do to workloads: whether a budget keeps some of their pods, and lets one go.

Kubernetes 1.36, "Specifying a Disruption Budget for your Application".
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import Field

from terp.gitops.component import Component
from terp.gitops.references.things import Manifest, at, each, kind_of, name_of, namespace_of
from terp.model import Model

WORKLOADS = ("Deployment", "StatefulSet")


class Undrained(Model):
    """A workload that loses all its pods at once, or holds its node."""

    component: str = Field(description="Whose it is.")
    workload: str = Field(description="Kind and name.")
    message: str = Field(description="What is wrong.")

    def __str__(self) -> str:
        return f"{self.component}: {self.workload}: {self.message}"


def undrained(
    manifests: Mapping[str, Iterable[Manifest]], components: Mapping[str, Component]
) -> Iterator[Undrained]:
    """Of all components together: those of one namespace share it."""
    objects = [
        (name, namespace_of(manifest, components[name].namespace), manifest)
        for name, found in manifests.items()
        for manifest in found
    ]
    budgets = [(place, each) for _, place, each in objects if kind_of(each) == "PodDisruptionBudget"]
    least = {
        (place, at(each, "spec.scaleTargetRef.kind"), at(each, "spec.scaleTargetRef.name")): each
        for _, place, each in objects
        if kind_of(each) == "HorizontalPodAutoscaler"
    }
    for name, namespace, manifest in objects:
        kind = kind_of(manifest)
        if kind not in WORKLOADS:
            continue
        scaled = least.get((namespace, kind, name_of(manifest)))
        replicas = at(scaled, "spec.minReplicas") if scaled else at(manifest, "spec.replicas")
        labels = at(manifest, "spec.template.metadata.labels") or {}
        found = [budget for place, budget in budgets if place == namespace and _selects(budget, labels)]
        if message := _wrong(1 if replicas is None else int(replicas), found):
            yield Undrained(component=name, workload=f"{kind} {name_of(manifest)}", message=message)


def _wrong(replicas: int, budgets: list[Manifest]) -> str | None:
    if replicas > 1 and not budgets:
        return (
            f"{replicas} replicas without a PodDisruptionBudget, so that draining nodes may take all at once"
        )
    if replicas and any(_may_go(budget, replicas) < 1 for budget in budgets):
        return "its PodDisruptionBudget lets no pod go, so that its node cannot be drained"
    return None


def _may_go(budget: Manifest, replicas: int) -> int:
    """How many pods may be missing when all are there."""
    most = at(budget, "spec.maxUnavailable")
    if most is not None:
        return _number(most, replicas)
    return replicas - _number(at(budget, "spec.minAvailable") or 0, replicas)


def _number(said: int | str, replicas: int) -> int:
    """Shares are rounded up, either way."""
    text = str(said)
    return math.ceil(int(text[:-1]) * replicas / 100) if text.endswith("%") else int(text)


def _selects(budget: Manifest, labels: Mapping[str, str]) -> bool:
    named = at(budget, "spec.selector.matchLabels") or {}
    return all(labels.get(key) == value for key, value in named.items()) and all(
        _holds(expression, labels) for expression in each(budget, "spec.selector.matchExpressions")
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None
