"""A long run tells a story: what runs, how far it is, how long it has left.

Work reports to a `Progress`; a sink shows it: live on a terminal, as plain lines without one, as JSON lines
for machines. How long a task takes is learnt from the runs before (`timings.json` in the cache).
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

State = Literal["started", "running", "done", "failed"]
PLAIN_EVERY = 15.0
"""Seconds between two plain lines about the same running task."""


@dataclass(frozen=True)
class Event:
    """One moment of one task. `seconds` since its start; `fraction` 0..1.

    `left` in seconds, negative by as much as it has taken longer than the runs before.
    """

    task: str
    state: State
    detail: str
    seconds: float
    fraction: float | None = None
    left: float | None = None


@dataclass(frozen=True)
class Finished:
    """A task that ended well, and the seconds that it took."""

    task: str
    seconds: float


class Sink(Protocol):
    """Where events go. `show` is called by one thread at a time."""

    every: float
    """Seconds after which a task that says nothing is shown again."""

    def show(self, event: Event) -> None:
        """Show one event."""

    def close(self) -> None:
        """Give the terminal back."""


class Timings:
    """Seconds that tasks took in earlier runs, the last `KEPT` of each."""

    KEPT = 6

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seconds: dict[str, list[float]] = {}
        if file.exists():
            try:
                self._seconds = json.loads(file.read_text())
            except ValueError:
                file.unlink(missing_ok=True)  # a torn write: the estimates are learnt anew

    def expected(self, task: str) -> float | None:
        """Mean seconds of the earlier runs, None without any."""
        seen = self._seconds.get(task)
        return sum(seen) / len(seen) if seen else None

    def learn(self, task: str, seconds: float) -> None:
        """Remember one run."""
        self._seconds[task] = [*self._seconds.get(task, []), round(seconds, 2)][-self.KEPT :]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_suffix(f".{os.getpid()}")  # other runs write theirs at the same time
        new.write_text(json.dumps(self._seconds))
        new.replace(self._file)


class Task:
    """One running task; `update` may be called from any thread."""

    def __init__(self, progress: "Progress", name: str, expected: float | None) -> None:
        self.name = name
        self._progress = progress
        self._expected = expected
        self._start = time.monotonic()
        self._said: tuple[str, float | None] = ("", None)

    @property
    def seconds(self) -> float:
        """Seconds since the task began."""
        return time.monotonic() - self._start

    def update(self, detail: str, fraction: float | None = None) -> None:
        """Say what it is doing; without a `fraction` the earlier runs give one."""
        self._said = (detail, fraction)
        self._progress.show(self, "running")

    def event(self, state: State, detail: str | None = None) -> Event:
        """This moment of it; without a `detail` with what it said last."""
        said, fraction = self._said
        left = None
        if state == "running" and fraction:
            fraction = min(1.0, fraction)
            left = self.seconds * (1 - fraction) / fraction
        elif state in ("started", "running") and self._expected:
            fraction = min(0.99, self.seconds / self._expected)
            left = self._expected - self.seconds
        return Event(self.name, state, said if detail is None else detail, self.seconds, fraction, left)


class Progress:
    """Hands the events of all tasks to one sink; inside its `with` block also those of silent tasks."""

    def __init__(self, sink: Sink, timings: Timings) -> None:
        self._sink = sink
        self._timings = timings
        self._lock = threading.Lock()
        self._running: list[Task] = []
        self.finished: list[Finished] = []
        self._ended = threading.Event()
        self._clock = threading.Thread(target=self._repeat, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._clock.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._clock.join()
        self._sink.close()

    def _repeat(self) -> None:
        while not self._ended.wait(self._sink.every):
            with self._lock:
                for task in self._running:
                    self._sink.show(task.event("running"))

    def show(self, task: Task, state: State, detail: str | None = None) -> None:
        """Show one moment of a task; nothing of one that has ended."""
        with self._lock:
            if state == "started":
                self._running.append(task)
            elif task not in self._running:
                return
            elif state != "running":
                self._running.remove(task)
            self._sink.show(task.event(state, detail))

    @contextmanager
    def task(self, name: str, *, expected: float | None = None) -> Iterator[Task]:
        """A task that ends with the block: done, or failed by an exception, which goes on.

        `expected` seconds serve only until the task has been seen once.
        """
        task = Task(self, name, self._timings.expected(name) or expected)
        self.show(task, "started")
        try:
            yield task
        except BaseException as error:
            self.show(task, "failed", str(error).partition("\n")[0] or type(error).__name__)
            raise
        with self._lock:
            self._timings.learn(name, task.seconds)
            self.finished.append(Finished(name, task.seconds))
        self.show(task, "done", "")


def readable(seconds: float) -> str:
    """`7 s`, `3 m 20 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 100 else f"{whole // 60} m {whole % 60:02d} s"


def rest(left: float) -> str:
    """What is left of a task, or by how much it has outlived its estimate."""
    return f"about {readable(left)} left" if left > 0 else f"{readable(-left)} longer than usual"


def sentence(event: Event) -> str:
    """One event as a plain line."""
    parts = [f"{event.task:<22}", event.state]
    if event.state in ("done", "failed"):
        parts.append(f"after {readable(event.seconds)}" if event.seconds >= 10 else f"{event.seconds:.1f} s")
    if event.detail:
        parts.append(event.detail)
    if event.left is not None:
        parts.append(rest(event.left))
    return "  ".join(parts)


class Lines:
    """Plain lines: every start and end, and a running task every `PLAIN_EVERY` seconds."""

    every = PLAIN_EVERY

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: dict[str, float] = {}

    def show(self, event: Event) -> None:
        """Print the event unless its task was heard of a moment ago."""
        now = time.monotonic()
        if event.state == "running" and now - self._last.get(event.task, 0) < PLAIN_EVERY:
            return
        self._last[event.task] = now
        self._console.print(sentence(event), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Nothing to give back."""


class JsonLines:
    """One JSON object a line on standard output."""

    every = PLAIN_EVERY

    def show(self, event: Event) -> None:
        """Print the event as JSON."""
        sys.stdout.write(json.dumps(vars(event)) + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing to give back."""


class Live:
    """Bars on a terminal; what has ended stays above them as a line."""

    every = 1.0

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Bars(
            TextColumn("{task.description:<22}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[said]}", markup=False),
            console=console,
            transient=True,
        )
        self._ids: dict[str, TaskID] = {}
        self._bars.start()

    def show(self, event: Event) -> None:
        """Move the task's bar, or print its end."""
        left = f"  {rest(event.left)}" if event.left is not None else ""
        said = f"{readable(event.seconds)}{left}  {event.detail}"
        if event.task not in self._ids:
            self._ids[event.task] = self._bars.add_task(event.task, total=1.0, said=said)
        self._bars.update(self._ids[event.task], completed=event.fraction or 0.0, said=said)
        if event.state in ("done", "failed"):
            self._bars.remove_task(self._ids.pop(event.task))
            mark = "[green]✓[/]" if event.state == "done" else "[red]✗[/]"
            self._console.print(f"{mark} {escape(sentence(event))}", highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Give the terminal back."""
        self._bars.stop()


def progress_for(console: Console, timings_file: Path, *, as_json: bool = False) -> Progress:
    """The sink that suits where the output goes."""
    sink: Sink = JsonLines() if as_json else Live(console) if console.is_terminal else Lines(console)
    return Progress(sink, Timings(timings_file))
