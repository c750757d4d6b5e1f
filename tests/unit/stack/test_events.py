"""What becomes of the engine's events: logs recorded from real runs, cut down to the lines that count."""

from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from terp.paths import PROJECT
from terp.progress import progress_for
from terp.stack.events import Changes, EventLog, lines_of, readable_urn

RECORDED = PROJECT / "tests" / "fixtures" / "engine"
CLOUD = "urn:pulumi:prod::terp::terp:openstack:Cloud$terp:openstack:NodePool"


def replayed(text: str, folder: Path) -> Changes:
    """What is kept of a log that the engine writes while it is followed."""
    log = folder / "events.jsonl"
    with (
        progress_for(Console(quiet=True), folder / "timings.json") as story,
        story.task("up prod") as task,
        EventLog(log, task, expected=40) as events,
    ):
        log.write_text(text)
    return events.changes


def test_a_run_that_succeeded(tmp_path: Path) -> None:
    changes = replayed((RECORDED / "succeeded.jsonl").read_text(), tmp_path)
    assert changes.counts == {"create": 2, "same": 38}
    assert changes.changed == 2
    assert [line[:2] for line in lines_of(changes)] == [("create", "server cpu-2"), ("create", "Port cpu-2")]
    assert changes.errors == []
    assert changes.seconds.keys() == changes.steps.keys()
    assert changes.seconds_of("openstack:compute/instance:Instance") > 0


def test_a_run_that_failed(tmp_path: Path) -> None:
    changes = replayed((RECORDED / "failed.jsonl").read_text(), tmp_path)
    assert [line[:2] for line in lines_of(changes)] == [("create", "load balancer api")]
    assert "but got 503 instead" in changes.errors[0]
    assert changes.errors[-1] == "update failed"
    assert changes.changed == 0


def test_a_log_that_was_cut_off(tmp_path: Path) -> None:
    text = (RECORDED / "succeeded.jsonl").read_text()
    changes = replayed(text[: text.index("summaryEvent")], tmp_path)
    assert changes.counts == {}
    assert "server cpu-2" in {resource for _, resource, _ in lines_of(changes)}


def test_two_runs_make_one() -> None:
    first = Changes({"a": ("create", ())}, ["no"])
    first.counts.update({"create": 3, "same": 5})
    second = Changes({"b": ("update", ("size",))})
    second.counts.update({"update": 1, "same": 8})
    both = first.then(second)
    assert both.counts == {"create": 3, "update": 1, "same": 8}
    assert both.steps == {"a": ("create", ()), "b": ("update", ("size",))}
    assert both.errors == []


@pytest.mark.parametrize(
    ("urn", "said"),
    [
        (f"{CLOUD}$openstack:compute/instance:Instance::cpu-0", "server cpu-0"),
        (f"{CLOUD}$openstack:compute/volumeAttach:VolumeAttach::cpu-0-data", "attachment cpu-0-data"),
        (f"{CLOUD}$openstack:networking/port:Port::cpu-0", "Port cpu-0"),
        ("urn:pulumi:prod::terp::pulumi:pulumi:Stack::terp-prod", "Stack terp-prod"),
    ],
)
def test_a_urn_in_words(urn: str, said: str) -> None:
    assert readable_urn(urn) == said


def test_components_have_no_line() -> None:
    changes = Changes({f"{CLOUD}::cpu": ("create", ())})
    assert list(lines_of(changes)) == []


def same(name: str, **more: object) -> dict[str, object]:
    """An event of a resource that stays as it is, except that its new record has more."""
    record = {"urn": name, "inputs": {"size": 4}, "outputs": {"hosts": []}}
    return {"op": "same", "urn": name, "old": record, "new": {**record, **more}}


def previewed(*kept: dict[str, object], outputs: dict[str, object], created: int = 0) -> Changes:
    """What is kept of a preview."""
    counts = Counter({"same": len(kept), **({"create": created} if created else {})})
    return Changes(counts=counts, events=[*kept], outputs=outputs)


def test_a_preview_without_changes_leaves_nothing_to_be_recorded() -> None:
    stack, volume = same("stack"), same("volume")
    assert previewed(volume, outputs=stack).settled
    assert not previewed(volume, outputs=stack, created=1).settled
    assert not previewed(same("volume", protect=True), outputs=stack).settled
    assert not previewed(same("volume", urn="by an alias"), outputs=stack).settled
    assert not previewed(same("volume", inputs={"size": 5}), outputs=stack).settled
    assert not previewed(volume, outputs=same("stack", outputs={"hosts": [1]})).settled
    assert not previewed(volume, outputs={}).settled
