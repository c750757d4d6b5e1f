"""Logical names: one that changes without an alias makes a thing anew that is there."""

from collections.abc import Iterator

from terp.environment import Environment
from terp.policy.finding import Objection
from terp.policy.plan import Plan


def renamed(plan: Plan, environment: Environment) -> Iterator[Objection]:
    """The same thing by its name on the cloud goes under one URN and comes under another."""
    going = {
        (step.kind, str(step.was["name"])): step
        for step in plan.steps
        if step.operation == "delete" and step.was.get("name")
    }
    for step in plan.steps:
        before = going.get((step.kind, str(step.becomes.get("name"))))
        if step.operation == "create" and before:
            yield Objection(
                step.name,
                f"made anew, for its URN has changed without an alias: {before.urn} became {step.urn}",
            )
