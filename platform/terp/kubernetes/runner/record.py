"""What is remembered of a run: what, why, when, how long, with which result."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from terp.kubernetes.model import Run
from terp.model import Model

Result = Literal["ok", "failed", "cancelled"]


class Failure(Model):
    """What went wrong first: `file` is the playbook's file and line, `remedy` what is known to help."""

    host: str
    task: str
    message: str
    file: str = ""
    remedy: str = ""


class HostSummary(Model):
    """How many tasks ended how on one host."""

    ok: int = 0
    changed: int = 0
    failed: int = 0
    unreachable: int = 0
    skipped: int = 0
    ignored: int = 0


class Timing(Model):
    """Seconds that a task or a role took, all hosts together."""

    name: str
    seconds: float


class RunRecord(Model):
    """One run that has ended. `started` is UTC (ISO 8601), `log` the file with everything it said.

    `course` is the share of the time that was over when each twentieth of the tasks began.
    """

    playbook: str
    installer_version: str
    limit: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    reason: str
    started: str
    seconds: float
    result: Result
    number_of_hosts: int
    tasks: int
    hosts: Mapping[str, HostSummary] = {}
    slowest_tasks: tuple[Timing, ...] = ()
    slowest_roles: tuple[Timing, ...] = ()
    retries: int = 0
    failure: Failure | None = None
    course: tuple[float, ...] = ()
    log: Path | None = None

    @property
    def changed(self) -> int:
        """Tasks that changed something, over all hosts."""
        return sum(host.changed for host in self.hosts.values())


def hosts_of(run: Run) -> int:
    """The number of hosts that a run works on."""
    return len(run.hosts or run.nodes)
