"""The record of a cluster's runs, only ever added to, and what it says of the next one."""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from terp.kubernetes.model import Run
from terp.kubernetes.runner.record import RunRecord, hosts_of

LEARNT_FROM = 6
"""The newest runs of a kind that an estimate is made of."""
STEPS = 20
"""Parts of a run's course."""
PACES = (0.5, 4.0)
"""How much faster or slower than before a run may be taken to be."""


class Estimate(NamedTuple):
    """Seconds and tasks of a run, and how many earlier runs say so; 0 when only what Terp was shipped with.

    `course` is the share of the time that is over when each twentieth of the tasks begins.
    """

    seconds: float
    tasks: int
    runs: int
    course: tuple[float, ...] = ()

    def over(self, number: int) -> float:
        """Seconds until task `number` begins, the first being 1."""
        share = min(1.0, (number - 1) / max(1, self.tasks))
        if len(self.course) != STEPS + 1:
            return self.seconds * share
        place = int(share * STEPS)
        here, following = self.course[place], self.course[min(STEPS, place + 1)]
        return self.seconds * (here + (following - here) * (share * STEPS - place))

    def left(self, number: int, seconds: float, task_seconds: float) -> float:
        """Seconds to the end, in task `number` for `task_seconds`, `seconds` after the start."""
        if number > self.tasks:
            return self.seconds - seconds
        until_task, began = self.over(number), seconds - task_seconds
        pace = min(PACES[1], max(PACES[0], began / until_task)) if until_task > 1 else 1.0
        at_least = (self.seconds - self.over(number + 1)) * pace
        return max(at_least, (self.seconds - until_task) * pace - task_seconds)


PRIORS = {
    "cluster.yml": (644.0, 1223, 2),
    "scale.yml": (286.0, 796, 1),
    "remove-node.yml": (122.0, 101, 1),
    "facts.yml": (42.0, 52, 2),
}
"""Seconds, tasks and hosts of Kubespray (August 2026) on two cores, until a cluster has runs of its own."""


class History:
    """`runs.jsonl` in a cluster's folder: one record a line."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "runs.jsonl"

    def records(self) -> list[RunRecord]:
        """All records, oldest first; a line that was torn by a crash is left out."""
        if not self.file.exists():
            return []
        lines = self.file.read_text(errors="replace").splitlines()
        return [RunRecord.model_validate_json(line) for line in lines if _whole(line)]

    def add(self, record: RunRecord) -> None:
        """Add one record; a torn line before it stays a line of its own."""
        before = self.file.read_bytes()[-1:] if self.file.exists() else b""
        text = ("\n" if before not in (b"", b"\n") else "") + record.model_dump_json() + "\n"
        handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, text.encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def estimate(self, run: Run, installer: str) -> Estimate | None:
        """What earlier runs of the same kind say, scaled to the number of hosts; None when nobody knows."""
        same = [record for record in self.records() if record.result == "ok" and _kind(record) == _kind(run)]
        same = same[-LEARNT_FROM:]
        hosts = hosts_of(run)
        if not same:
            prior = PRIORS.get(Path(run.playbook).name) if installer == "kubespray" else None
            return Estimate(_scaled(prior[0], prior[2], hosts), prior[1], 0) if prior else None
        seconds = median(_scaled(record.seconds, record.number_of_hosts, hosts) for record in same)
        courses = [record.course for record in same if len(record.course) == STEPS + 1]
        course = tuple(fmean(shares) for shares in zip(*courses, strict=True))
        return Estimate(seconds, round(median(record.tasks for record in same)), len(same), course)


def course(starts: Sequence[float], seconds: float) -> tuple[float, ...]:
    """The course of a run whose tasks began at `starts` and that took `seconds`; empty without tasks."""
    if not starts or seconds <= 0:
        return ()
    places = (min(len(starts) - 1, step * len(starts) // STEPS) for step in range(STEPS))
    return (*(round(min(1.0, starts[place] / seconds), 4) for place in places), 1.0)


def _kind(run: Run | RunRecord) -> tuple[object, ...]:
    """What makes runs alike: their playbook, its parts, and whether they are limited."""
    playbook = run.playbook or getattr(run, "kind", "")
    return Path(playbook).name, bool(run.limit), run.tags, run.skip_tags


def _scaled(seconds: float, hosts: int, wanted: int) -> float:
    """Runs grow about with the square root of the hosts (10 to 150 hosts: 15 to 65 min, kubespray#478)."""
    return seconds * math.sqrt(max(1, wanted) / max(1, hosts))


def _whole(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
