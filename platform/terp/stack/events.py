"""What the engine says while it works, as progress and as a summary.

The engine writes one JSON object a line (`--event-log`; sdk/go/common/apitype/events.go in Pulumi's source).
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terp.policy.plan import kind_of
from terp.progress import Task

EVERY = 0.3
"""Seconds between two looks at the log."""
QUIET = ("same", "read", "refresh", "read-discard", "discard")
OURS = ("::terp:kubernetes:Cluster::", "::terp:gitops:Platform::")
"""In the URN of the resource that says at length what it does."""
STACK = "::pulumi:pulumi:Stack::"
"""In the URN of the stack itself, which works as long as anything does."""
DOING = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "replace": "replacing",
    "create-replacement": "creating",
    "delete-replaced": "deleting",
}


@dataclass
class Changes:
    """What a run did or would do: each changed resource with its operation, and what went wrong."""

    steps: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """By URN: the operation, and the properties that differ."""
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a cluster said of its runs."""
    counts: Counter[str] = field(default_factory=Counter)
    events: list[Mapping[str, Any]] = field(default_factory=list)
    """What the engine tells of each step before it takes it; of secrets without their values."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What it tells last of the stack itself, whose outputs come at the end."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By URN: how long the engine was at it."""

    def seconds_of(self, kind: str) -> float:
        """How long it was at the resources of a type."""
        return sum(seconds for urn, seconds in self.seconds.items() if kind_of(urn) == kind)

    def then(self, later: "Changes") -> "Changes":
        """What two runs did, one after the other."""
        before = {operation: number for operation, number in self.counts.items() if operation not in QUIET}
        return Changes(
            {**self.steps, **later.steps},
            later.errors,
            [*self.notes, *later.notes],
            Counter(before) + Counter(later.counts),
            seconds={
                **self.seconds,
                **{urn: self.seconds.get(urn, 0) + each for urn, each in later.seconds.items()},
            },
        )

    @property
    def settled(self) -> bool:
        """Whether by a preview there is nothing to do, and nothing to be recorded either."""
        kept = (event for event in self.events if event["op"] == "same")
        return not self.changed and _same(self.outputs, "outputs") and all(map(_same, kept))

    @property
    def changed(self) -> int:
        """Resources that are not as they were."""
        return sum(number for operation, number in self.counts.items() if operation not in QUIET)


class EventLog:
    """Follows the engine's log while it grows: tells a task how far the run is, and keeps the `changes`."""

    def __init__(self, file: Path, task: Task, expected: int) -> None:
        self.changes = Changes()
        self._file = file
        self._task = task
        self._expected = expected
        self._running: dict[str, str] = {}
        self._begun: dict[str, float] = {}
        self._finished = 0
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._follow, name="events", daemon=True)

    def __enter__(self) -> "EventLog":
        self._file.unlink(missing_ok=True)
        self._reader.start()
        return self

    def __exit__(self, *how: object) -> None:
        self._over.set()
        self._reader.join(30)

    def _follow(self) -> None:
        position, rest = 0, ""
        while True:
            over = self._over.is_set()
            if self._file.exists():
                with self._file.open(errors="replace") as log:
                    log.seek(position)
                    rest += log.read()
                    position = log.tell()
                *lines, rest = rest.split("\n")
                for line in lines:
                    self._read(line)
            if over:
                return
            self._over.wait(EVERY)

    def _read(self, line: str) -> None:
        try:
            event: Mapping[str, Any] = json.loads(line) if line.strip() else {}
        except ValueError:  # cut off: the engine was killed
            return
        if pre := event.get("resourcePreEvent"):
            self._begins(pre["metadata"])
        elif outputs := event.get("resOutputsEvent"):
            self._ends(outputs["metadata"])
        elif failed := event.get("resOpFailedEvent"):
            self._time(failed["metadata"]["urn"])
        elif said := event.get("diagnosticEvent"):
            self._hear(said)
        elif summary := event.get("summaryEvent"):
            self.changes.counts.update(summary["resourceChanges"])

    def _hear(self, said: Mapping[str, Any]) -> None:
        message, urn = said["message"].strip(), said.get("urn", "")
        if said["severity"] == "error":
            self.changes.errors.append(message)
        elif any(each in urn for each in OURS):
            if not said.get("ephemeral"):
                self.changes.notes.append(message)
            if urn in self._running:
                self._running[urn] = message
                self._say()

    def _begins(self, metadata: Mapping[str, Any]) -> None:
        operation, urn = metadata["op"], metadata["urn"]
        self.changes.events.append(metadata)
        if operation in QUIET:
            return
        self.changes.steps[urn] = (operation, tuple(metadata.get("diffs") or ()))
        if operation in DOING and STACK not in urn:
            self._running[urn] = f"{DOING[operation]} {readable_urn(urn)}"
            self._begun[urn] = time.monotonic()
        self._say()

    def _ends(self, metadata: Mapping[str, Any]) -> None:
        self._finished += 1
        if STACK in metadata["urn"]:
            self.changes.outputs = metadata
        self._time(metadata["urn"])
        self._say()

    def _time(self, urn: str) -> None:
        """One step of it has ended; a replacement has several."""
        if self._running.pop(urn, None):
            before = self.changes.seconds.get(urn, 0.0)
            self.changes.seconds[urn] = before + time.monotonic() - self._begun[urn]

    def _say(self) -> None:
        now = list(self._running.values())[-2:]
        detail = f"{self._finished} resources  {', '.join(now)}"
        self._task.update(detail, self._finished / self._expected if self._expected else None)


def _same(event: Mapping[str, Any], *more: str) -> bool:
    """Whether what is recorded of a resource stays as it is: its inputs, its name, its protection."""
    old, new = event.get("old"), event.get("new")
    if not old or not new:
        return False
    parts = ("urn", "parent", "protect", "provider", "inputs", *more)
    return all(old.get(part) == new.get(part) for part in parts)


def readable_urn(urn: str) -> str:
    """`server cpu-0` of `urn:pulumi:prod::terp::…$openstack:compute/instance:Instance::cpu-0`."""
    _, _, kinds, name = urn.split("::", 3)
    kind = kinds.rpartition("$")[2].rpartition(":")[2]
    return f"{NAMES.get(kind, kind)} {name}"


def is_component(urn: str) -> bool:
    """Whether it only holds others together, and is nothing on the cloud."""
    return kind_of(urn).startswith("terp:openstack:")


NAMES = {
    "Instance": "server",
    "SecGroup": "security group",
    "SecGroupRule": "security-group rule",
    "ServerGroup": "server group",
    "FloatingIp": "floating IP",
    "FloatingIpAssociate": "floating IP",
    "VolumeAttach": "attachment",
    "RouterInterface": "router interface",
    "LoadBalancer": "load balancer",
}
"""What people call what the provider names otherwise."""


def lines_of(changes: Changes) -> Iterator[tuple[str, str, str]]:
    """Each changed resource: operation, resource, properties that differ; components have no line."""
    for urn, (operation, differ) in sorted(changes.steps.items(), key=lambda step: step[0]):
        if not is_component(urn):
            yield operation, readable_urn(urn), ", ".join(differ)
