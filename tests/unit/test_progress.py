import json
import threading
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from terp import progress
from terp.errors import TerpError
from terp.progress import Event, JsonLines, Lines, Live, Progress, Timings, progress_for, readable, sentence


class Recorded:
    """A sink that keeps what it is shown."""

    def __init__(self, every: float = 60.0) -> None:
        self.every = every
        self.events: list[Event] = []
        self.closed = False
        self._busy = threading.Lock()

    def show(self, event: Event) -> None:
        assert self._busy.acquire(blocking=False), "two threads at once"
        time.sleep(0.0005)
        self.events.append(event)
        self._busy.release()

    def close(self) -> None:
        self.closed = True

    def states(self) -> list[str]:
        return [event.state for event in self.events]


@pytest.fixture
def timings(tmp_path: Path) -> Timings:
    return Timings(tmp_path / "timings.json")


def console(*, terminal: bool) -> Console:
    return Console(file=StringIO(), width=200, force_terminal=terminal, color_system=None)


def written(to: Console) -> str:
    assert isinstance(to.file, StringIO)
    return to.file.getvalue()


def test_a_task_starts_says_what_it_does_and_is_done(timings: Timings):
    sink = Recorded()
    with Progress(sink, timings) as work, work.task("image") as task:
        task.update("unpacks", 0.5)
    assert [(event.state, event.detail) for event in sink.events] == [
        ("started", ""),
        ("running", "unpacks"),
        ("done", ""),
    ]
    assert sink.events[1].fraction == 0.5
    assert sink.closed


def test_a_failure_shows_its_first_line_and_goes_on(timings: Timings):
    sink = Recorded()
    with pytest.raises(TerpError), Progress(sink, timings) as work, work.task("image"):
        raise TerpError("no space left\n  12 MB of 300 MB", hint="free some")
    assert (sink.events[-1].state, sink.events[-1].detail) == ("failed", "no space left")
    assert sink.closed


def test_an_interrupt_is_a_failure_with_a_name(timings: Timings):
    sink = Recorded()
    with pytest.raises(KeyboardInterrupt), Progress(sink, timings) as work, work.task("image"):
        raise KeyboardInterrupt
    assert (sink.events[-1].state, sink.events[-1].detail) == ("failed", "KeyboardInterrupt")


def test_a_failed_task_teaches_nothing_about_how_long_it_takes(timings: Timings):
    with pytest.raises(ValueError, match="bad"), Progress(Recorded(), timings) as work, work.task("image"):
        raise ValueError("bad")
    assert timings.expected("image") is None


def test_time_left_follows_from_the_fraction(timings: Timings, monkeypatch: pytest.MonkeyPatch):
    sink, now = Recorded(), 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    work = Progress(sink, timings)
    with work.task("image") as task:
        now = 130.0
        task.update("a third", 1 / 3)
        task.update("too much", 1.5)
    assert sink.events[1].left == pytest.approx(60)
    assert (sink.events[2].fraction, sink.events[2].left) == (1.0, 0.0)


def test_time_left_follows_from_earlier_runs(timings: Timings, monkeypatch: pytest.MonkeyPatch):
    sink, now = Recorded(), 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    timings.learn("image", 30)
    timings.learn("image", 50)
    work = Progress(sink, timings)
    with work.task("image", expected=1000) as task:
        now = 110.0
        task.update("")
        now = 200.0
        task.update("late")
    started, running, late, _ = sink.events
    assert started.left == pytest.approx(40)
    assert (running.fraction, running.left) == (pytest.approx(0.25), pytest.approx(30))
    assert (late.fraction, late.left) == (0.99, -60.0)
    assert sentence(late).endswith("60 s longer than usual")


def test_a_first_run_uses_the_guess_that_came_with_the_task(timings: Timings):
    sink = Recorded()
    with Progress(sink, timings) as work, work.task("image", expected=20):
        pass
    assert sink.events[0].left == pytest.approx(20, abs=1)
    assert timings.expected("image") == pytest.approx(0, abs=1)


def test_without_any_estimate_none_is_made_up(timings: Timings):
    sink = Recorded()
    with Progress(sink, timings) as work, work.task("image") as task:
        task.update("unpacks")
    assert [(event.fraction, event.left) for event in sink.events] == [(None, None)] * 3


def test_a_task_that_is_silent_is_shown_again(timings: Timings):
    sink = Recorded(every=0.02)
    with Progress(sink, timings) as work, work.task("image") as task:
        task.update("unpacks", 0.5)
        time.sleep(0.3)
    again = sink.events[2:-1]
    assert {(event.state, event.detail, event.fraction) for event in again} == {("running", "unpacks", 0.5)}
    assert again[-1].seconds > again[0].seconds


def test_a_task_that_has_ended_is_not_shown_again(timings: Timings):
    sink = Recorded(every=0.01)
    with Progress(sink, timings) as work:
        with work.task("image") as task:
            pass
        task.update("a late thread")
        time.sleep(0.1)
    assert sink.states()[-1] == "done"


def test_tasks_in_threads_reach_the_sink_one_at_a_time(timings: Timings):
    sink = Recorded(every=0.001)
    with Progress(sink, timings) as work:

        def run(name: str) -> None:
            with work.task(name) as task:
                for step in range(20):
                    task.update(str(step), step / 20)

        threads = [threading.Thread(target=run, args=(f"tool {n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert sink.states().count("done") == 8
    for n in range(8):
        mine = [event.state for event in sink.events if event.task == f"tool {n}"]
        assert (mine[0], mine[-1]) == ("started", "done")


def test_what_was_learnt_serves_the_next_run(tmp_path: Path):
    file = tmp_path / "cache" / "timings.json"
    first = Timings(file)
    for seconds in (1000, 10, 20, 30, 40, 50, 60):
        first.learn("image", seconds)
    assert Timings(file).expected("image") == 35  # of the last six
    assert [path.name for path in file.parent.iterdir()] == ["timings.json"]


def test_a_torn_file_of_timings_is_begun_anew(tmp_path: Path):
    file = tmp_path / "timings.json"
    file.write_text('{"image": [1')
    timings = Timings(file)
    assert timings.expected("image") is None
    timings.learn("image", 5)
    assert Timings(file).expected("image") == 5


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (7.4, "7 s"), (99.4, "99 s"), (99.6, "1 m 40 s"), (200, "3 m 20 s"), (3661, "61 m 01 s")],
)
def test_durations_read_well(seconds: float, text: str):
    assert readable(seconds) == text


def test_plain_lines_tell_the_story(golden: Callable[[str, str], None]):
    story = [
        Event("packages", "started", "", 0.0),
        Event("packages", "done", "", 2.345),
        Event("base image", "started", "", 0.0, 0.0, 204.0),
        Event("base image", "running", "unpacks [systemd]", 60.0, 0.3, 140.0),
        Event("base image", "failed", "no space left on device", 75.2),
    ]
    golden("progress-lines.txt", "".join(f"{sentence(event)}\n" for event in story))


def test_plain_lines_leave_out_what_was_said_a_moment_ago(monkeypatch: pytest.MonkeyPatch):
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    to = console(terminal=False)
    lines = Lines(to)
    for now, state, detail in (  # noqa: B007
        (1000.0, "started", ""),
        (1001.0, "running", "soon after"),
        (1000.0 + progress.PLAIN_EVERY, "running", "later"),
        (1016.0, "done", ""),
    ):
        lines.show(Event("image", state, detail, 1.0))
    assert [line.split()[1] for line in written(to).splitlines()] == ["started", "running", "done"]
    assert "soon after" not in written(to)


def test_json_lines_are_one_object_each(capsys: pytest.CaptureFixture[str], timings: Timings):
    with Progress(JsonLines(), timings) as work, work.task("image") as task:
        task.update("unpacks", 0.25)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["state"] for event in events] == ["started", "running", "done"]
    assert events[1]["task"] == "image"
    assert events[1]["fraction"] == 0.25


def test_the_terminal_keeps_a_line_for_what_has_ended(timings: Timings):
    to = console(terminal=True)
    with pytest.raises(TerpError), Progress(Live(to), timings) as work:
        with work.task("image") as task:
            task.update("unpacks")
        with work.task("cloud"):
            raise TerpError("refused")
    assert "✓ image" in written(to)
    assert "✗ cloud" in written(to)
    assert "refused" in written(to)


def test_brackets_in_what_a_task_says_are_no_markup(timings: Timings):
    to = console(terminal=True)
    with pytest.raises(TerpError), Progress(Live(to), timings) as work, work.task("tool [a]") as task:
        task.update("step [/red] 1")
        raise TerpError("bad [/option]")
    assert "bad [/option]" in written(to)
    assert "tool [a]" in written(to)


@pytest.mark.parametrize(
    ("terminal", "as_json", "sink"), [(True, False, Live), (False, False, Lines), (True, True, JsonLines)]
)
def test_the_sink_suits_where_the_output_goes(tmp_path: Path, terminal: bool, as_json: bool, sink: type):
    with progress_for(console(terminal=terminal), tmp_path / "timings.json", as_json=as_json) as work:
        assert type(work._sink) is sink
