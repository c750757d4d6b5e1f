"""What an `up` would do, resource by resource; made of the engine's events, or of two states. No I/O."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from terp.model import Model
from terp.openstack.types import CLOUD

Operation = Literal["same", "create", "update", "replace", "delete"]
Properties = Mapping[str, Any]
OPERATIONS: Mapping[str, Operation] = {
    "same": "same",
    "create": "create",
    "import": "create",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "import-replacement": "replace",
    "delete": "delete",
}
"""Of the engine's operations those that say what becomes of a resource (sdk/go/common/apitype: OpType)."""


class Step(Model):
    """What would become of one resource: `old` and `new` are its inputs, where there are any.

    `forced_by` are the properties for whose sake it is replaced. Values of secrets are not in it.
    """

    urn: str
    operation: Operation
    differ: tuple[str, ...] = ()
    forced_by: tuple[str, ...] = ()
    old: Properties | None = None
    new: Properties | None = None

    @property
    def kind(self) -> str:
        """Its type, without those of its parents."""
        return kind_of(self.urn)

    @property
    def name(self) -> str:
        """Its logical name."""
        return self.urn.split("::", 3)[3]

    @property
    def goes(self) -> bool:
        """Whether what is there now will not be afterwards."""
        return self.operation in ("delete", "replace")

    @property
    def was(self) -> Properties:
        """Its inputs before; empty when it was not there."""
        return self.old or {}

    @property
    def becomes(self) -> Properties:
        """Its inputs afterwards; empty when it will not be there."""
        return self.new or {}


class Plan(Model):
    """Every resource that there is or would be, once each.

    `raised` says whether the stack has ever had all of its hosts: before, there is nothing to lose.
    """

    steps: tuple[Step, ...]
    raised: bool

    def of(self, *kinds: str) -> Iterator[Step]:
        """The steps of some types."""
        return (step for step in self.steps if step.kind in kinds)

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.operation != "same")


def kind_of(urn: str) -> str:
    """The type of the resource itself: `urn:pulumi:<stack>::<project>::<parents' types>$<type>::<name>`."""
    return urn.split("::", 3)[2].rpartition("$")[2]


def plan_of_events(events: Iterable[Mapping[str, Any]], *, raised: bool) -> Plan:
    """From the `metadata` of the engine's `resourcePreEvent`s; a replacement has several, and becomes one."""
    steps: dict[str, Step] = {}
    for event in events:
        operation, old = OPERATIONS.get(event["op"]), event.get("old") or {}
        if operation is None or old.get("delete"):  # the rest of an earlier replacement
            continue
        said = Step(
            urn=event["urn"],
            operation=operation,
            differ=tuple(event.get("diffs") or ()),
            forced_by=tuple(event.get("keys") or ()),
            old=old.get("inputs"),
            new=(event.get("new") or {}).get("inputs"),
        )
        before = steps.get(said.urn)
        steps[said.urn] = _one(before, said) if before else said
    return Plan(steps=tuple(steps[urn] for urn in sorted(steps)), raised=raised)


def plan_of_states(old: Mapping[str, Properties], new: Mapping[str, Properties], *, raised: bool) -> Plan:
    """From properties by URN, before and after; whether something is replaced does not show in them."""
    return Plan(
        steps=tuple(_between(urn, old.get(urn), new.get(urn)) for urn in sorted(old.keys() | new.keys())),
        raised=raised,
    )


def is_raised(state: Mapping[str, Any]) -> bool:
    """Whether a stack's deployment, as `pulumi stack export` has it, has ever had all of its hosts.

    The layer that has them registers its outputs last.
    """
    resources = state.get("resources") or ()
    return any(each["type"] == CLOUD and each.get("outputs") for each in resources)


def _one(before: Step, said: Step) -> Step:
    """Two events of one resource: what replaces it has its new inputs, what goes its old ones."""
    return Step(
        urn=said.urn,
        operation="replace" if "replace" in (before.operation, said.operation) else said.operation,
        differ=before.differ or said.differ,
        forced_by=before.forced_by or said.forced_by,
        old=before.old or said.old,
        new=said.new or before.new,
    )


def _between(urn: str, old: Properties | None, new: Properties | None) -> Step:
    if old is None or new is None:
        return Step(urn=urn, operation="create" if old is None else "delete", old=old, new=new)
    differ = tuple(name for name in sorted(new) if name in old and new[name] != old[name])
    return Step(urn=urn, operation="update" if differ else "same", differ=differ, old=old, new=new)
