"""A run of a plan as a sentence, and read out of it again: the engine's log carries text alone."""

import re
from typing import Self

from pydantic import Field

from terp.kubernetes.model import Run
from terp.model import Model

PLANNED = re.compile(
    r"plan \d+ of \d+: (?P<name>\S+) on (?P<hosts>[^:]*): (?P<reason>.*?)"
    r"(; interrupts (?P<interrupts>.*?))?(; (?P<estimate>about .*))?"
)


class ToldRun(Model):
    """What is told of a run before it begins."""

    name: str = Field(description="The playbook, or what is done without one.")
    hosts: tuple[str, ...] = Field(description="The hosts that it changes.")
    reason: str = Field(description="Why it runs.")
    interrupts: str = Field("", description="What it interrupts meanwhile.")
    estimate: str = Field("", description="How long it took before, if it ever ran.")

    @classmethod
    def of(cls, run: Run, estimate: str = "") -> Self:
        """What is told of a run."""
        hosts = run.hosts or tuple(node.name for node in run.nodes)
        return cls(
            name=run.playbook or run.kind,
            hosts=hosts,
            reason=run.reason,
            interrupts=run.interrupts,
            estimate=estimate,
        )

    @classmethod
    def read(cls, note: str) -> Self | None:
        """The run that a sentence `plan 1 of 2: …` tells of; None when it tells of something else."""
        found = PLANNED.fullmatch(note)
        if not found:
            return None
        return cls(
            name=found["name"],
            hosts=tuple(found["hosts"].split(", ")),
            reason=found["reason"],
            interrupts=found["interrupts"] or "",
            estimate=found["estimate"] or "",
        )

    def __str__(self) -> str:
        parts = (
            f"{self.name} on {', '.join(self.hosts)}: {self.reason}",
            f"interrupts {self.interrupts}" if self.interrupts else "",
            self.estimate,
        )
        return "; ".join(filter(None, parts))
