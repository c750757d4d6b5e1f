"""One moment of a run, as a person and as a machine read it."""

import json
from dataclasses import asdict, dataclass

from terp.progress import readable, rest

SLOW = 60.0
"""Seconds after which a task is one to speak of."""


@dataclass(frozen=True)
class Moment:
    """Where a run is.

    `number` of `about` tasks (0 when no earlier run says); `done` of `hosts` have done the task. `seconds`
    since the start of the run, `task_seconds` since that of the task, `left` to the end as `earlier` runs
    say, negative by as much as it takes longer. `note` is what has just happened, if it is worth a line.
    """

    playbook: str
    seconds: float
    play: str = ""
    role: str = ""
    task: str = ""
    number: int = 0
    about: int = 0
    done: int = 0
    hosts: int = 0
    task_seconds: float = 0.0
    left: float | None = None
    earlier: int = 0
    retries: int = 0
    slowest: str = ""
    note: str = ""

    @property
    def fraction(self) -> float | None:
        """How much of the run is behind it, 0..1; None when nobody knows."""
        if self.left is None:
            return None
        return min(0.99, self.seconds / (self.seconds + self.left)) if self.left > 0 else 0.99

    @property
    def sentence(self) -> str:
        """All of it as one plain line."""
        fraction = self.fraction
        parts = [
            self.playbook,
            f"{fraction:.0%}" if fraction is not None else "",
            f"task {self.number}" + (f" of about {self.about}" if self.about else ""),
            self.title,
            f"{self.done} of {self.hosts} hosts" if self.hosts > 1 else "",
            f"{readable(self.seconds)}{self._rest}",
            f"slow: {readable(self.task_seconds)} in this task" if self.task_seconds >= SLOW else "",
            f"retries: {self.retries}" if self.retries else "",
            f"slowest: {self.slowest}" if self.slowest else "",
        ]
        return "  ".join(part for part in parts if part)

    @property
    def title(self) -> str:
        """Role and task."""
        return named(self.role, self.task)

    @property
    def _rest(self) -> str:
        if self.left is None:
            return ""
        runs = "run" if self.earlier == 1 else "runs"
        source = f" (from {self.earlier} earlier {runs})" if self.earlier else ""
        return f", {rest(self.left)}{source}"

    def line(self) -> str:
        """It as a line of JSON."""
        return json.dumps({**asdict(self), "fraction": self.fraction}) + "\n"


def named(role: str, task: str) -> str:
    """A task with its role, which Ansible puts before some of them by itself."""
    return task if not role or task.startswith(f"{role} : ") else f"{role} : {task}"
