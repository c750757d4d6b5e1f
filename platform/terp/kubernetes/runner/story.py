"""What ansible-runner's events tell: where a run is, and in the end its record. Knows no files."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from heapq import nlargest
from pathlib import Path
from typing import Any

from terp.kubernetes.model import Run
from terp.kubernetes.runner.history import Estimate, course
from terp.kubernetes.runner.moment import Moment, named
from terp.kubernetes.runner.record import Failure, HostSummary, Result, RunRecord, Timing, hosts_of
from terp.kubernetes.runner.remedies import remedy
from terp.progress import readable

SHOWN = 2_000
"""Characters of a message."""
SLOWEST = 10
"""Tasks and roles in a record."""
LAST_LINES = 20
"""Lines that are kept for a failure that belongs to no host."""
COUNTED = {"runner_on_ok": "ok", "runner_on_skipped": "skipped", "runner_on_unreachable": "unreachable"}
NON_ZERO = "non-zero return code"
"""What the module command says of every failure."""
ENDS = {"runner_on_ok", "runner_on_failed", "runner_on_unreachable", "runner_on_skipped"}
"""Events after which a host has done a task."""

Event = Mapping[str, Any]


class Story:
    """One run as it is told; what it keeps grows with tasks and hosts, never with their product.

    Everything that may have a secret in it goes through `mask`; `clock` gives seconds.
    """

    def __init__(
        self,
        run: Run,
        estimate: Estimate | None,
        mask: Callable[[str], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._estimate = estimate
        self._mask = mask
        self._clock = clock
        self._start = self._began = clock()
        self._play = self._role = self._task = self._task_id = ""
        self._starts: list[float] = []
        self._started: set[str] = set()
        self._ended: set[str] = set()
        self._hosts_of_play = 0
        self._tasks: dict[str, float] = {}
        self._roles: dict[str, float] = {}
        self._counts: dict[str, dict[str, int]] = {}
        self._failures: dict[str, Failure] = {}
        self._failed: set[str] = set()
        self._retries = 0
        self._errors: deque[str] = deque(maxlen=LAST_LINES)
        self._lines: deque[str] = deque(maxlen=LAST_LINES)

    def hear(self, event: Event) -> Moment | None:
        """Take an event; the moment that it makes, unless nobody needs to know."""
        kind, data = event.get("event", ""), event.get("event_data") or {}
        if kind == "playbook_on_play_start":
            self._play, self._hosts_of_play = self._mask(data.get("name", "")), 0
        elif kind == "playbook_on_task_start":
            self._begin(data)
            return self.moment()
        elif kind == "runner_on_start":
            self._started.add(data.get("host", ""))
        elif kind == "runner_retry":
            self._retries += 1
            return self.moment()
        elif kind in ENDS:
            return self._end_of_host(kind, data)
        elif kind == "playbook_on_stats":
            self._failed = {host for key in ("failures", "dark") for host in data.get(key) or ()}
        elif kind in ("error", "verbose") and event.get("stdout"):
            (self._errors if kind == "error" else self._lines).append(self._mask(event["stdout"]))
        return None

    def moment(self, note: str = "") -> Moment:
        """Where the run is now."""
        at, estimate, number = self._clock(), self._estimate, len(self._starts)
        seconds, task_seconds = at - self._start, at - self._began
        slowest = max(self._tasks.items(), key=lambda item: item[1], default=None)
        return Moment(
            playbook=self._run.playbook,
            seconds=round(seconds, 1),
            play=self._play,
            role=self._role,
            task=self._task,
            number=number,
            about=max(estimate.tasks, number) if estimate else 0,
            done=len(self._ended),
            hosts=max(self._hosts_of_play, len(self._started)),
            task_seconds=round(task_seconds, 1),
            left=round(estimate.left(max(1, number), seconds, task_seconds), 1) if estimate else None,
            earlier=estimate.runs if estimate else 0,
            retries=self._retries,
            slowest=f"{slowest[0]}, {readable(slowest[1])}" if slowest and slowest[1] >= 1 else "",
            note=note,
        )

    def record(self, result: Result, started: str, log: Path, why: str = "") -> RunRecord:
        """The record of the run, which has ended; `why` it did when no host says so."""
        self._close_task()
        seconds = self._clock() - self._start
        run = self._run
        return RunRecord(
            playbook=run.playbook,
            installer_version=run.installer_version,
            limit=run.limit,
            tags=run.tags,
            skip_tags=run.skip_tags,
            reason=run.reason,
            started=started,
            seconds=round(seconds, 1),
            result=result,
            number_of_hosts=hosts_of(run),
            tasks=len(self._starts),
            hosts={host: HostSummary.model_validate(counts) for host, counts in sorted(self._counts.items())},
            slowest_tasks=_slowest(self._tasks),
            slowest_roles=_slowest(self._roles),
            retries=self._retries,
            failure=self._failure(why) if result != "ok" else None,
            course=course(self._starts, seconds),
            log=log,
        )

    def _begin(self, data: Event) -> None:
        self._close_task()
        self._hosts_of_play = max(self._hosts_of_play, len(self._started))
        self._started, self._ended = set(), set()
        self._role = self._mask(data.get("role") or "")
        self._task = self._mask(data.get("task") or data.get("name") or "")
        self._task_id = data.get("task_uuid", "")
        self._began = self._clock()
        self._starts.append(self._began - self._start)

    def _close_task(self) -> None:
        """Add the time of the task that was the last one to its own and to its role's."""
        if self._task:
            took = self._clock() - self._began
            name = named(self._role, self._task)
            self._tasks[name] = self._tasks.get(name, 0.0) + took
            if self._role:
                self._roles[self._role] = self._roles.get(self._role, 0.0) + took

    def _end_of_host(self, kind: str, data: Event) -> Moment | None:
        host, result = data.get("host", ""), data.get("res") or {}
        counts = self._counts.setdefault(host, {})
        ignored = kind == "runner_on_failed" and bool(data.get("ignore_errors"))
        named_so = ["ok", "ignored"] if ignored else [COUNTED.get(kind, "failed")]
        if result.get("changed") and named_so[0] == "ok":
            named_so.append("changed")
        for name in named_so:
            counts[name] = counts.get(name, 0) + 1
        if data.get("task_uuid", "") == self._task_id:
            self._ended.add(host)
        if named_so[0] not in ("failed", "unreachable"):
            return None
        failure = self._failure_of(host, data, result)
        self._failures.pop(host, None)  # an earlier one was rescued, or the host would not have gone on
        self._failures[host] = failure
        return self.moment(f"{named_so[0]}: {host}: {failure.task}: {_in_a_line(failure.message)}")

    def _failure_of(self, host: str, data: Event, result: Event) -> Failure:
        task = self._mask(named(data.get("role") or "", data.get("task") or ""))
        message = self._mask(message_of(result))[-SHOWN:]
        file, advice = data.get("task_path") or "", remedy(task, message)
        return Failure(host=host, task=task, message=message, file=file, remedy=advice)

    def _failure(self, why: str) -> Failure | None:
        """The first failure of a host that has failed in the end, or else what was said last."""
        if why:
            return Failure(host="", task=named(self._role, self._task), message=why)
        for host, failure in self._failures.items():
            if host in self._failed or not self._failed:
                return failure
        message = "\n".join(self._errors or self._lines)[-SHOWN:]
        return Failure(host="", task="", message=message, remedy=remedy("", message))


def message_of(result: Event) -> str:
    """What a result of Ansible says went wrong; of a loop, what the first item that failed says."""
    for item in result.get("results") or ():
        if isinstance(item, dict) and (item.get("failed") or item.get("unreachable")):
            label = item.get("_ansible_item_label", item.get("item", ""))
            return f"{label}: {message_of(item)}"
    said = ["msg", "censored", "stderr", "module_stderr"]
    if not result.get("stderr") and not result.get("module_stderr"):
        said.append("stdout")
    parts = [str(result.get(key) or "").strip() for key in said]
    return "\n".join(dict.fromkeys(part for part in parts if part)) or "failed without a message"


def _in_a_line(message: str) -> str:
    """The line of a message that says most: of a command's, the last one that it printed."""
    first, _, printed = message.partition("\n")
    return printed.strip().rpartition("\n")[2] if first == NON_ZERO and printed.strip() else first


def _slowest(seconds: Mapping[str, float]) -> tuple[Timing, ...]:
    found = nlargest(SLOWEST, seconds.items(), key=lambda item: item[1])
    return tuple(Timing(name=name, seconds=round(took, 1)) for name, took in found)
