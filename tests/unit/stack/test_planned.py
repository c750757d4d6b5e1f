"""A plan as it is shown and saved; what makes a later one another."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from terp.cli.stack import show_plan, show_verdict
from terp.errors import TerpError
from terp.gitops.resource import PLATFORM
from terp.kubernetes.resource import CLUSTER
from terp.openstack.types import VOLUME
from terp.paths import PROJECT
from terp.stack.events import Changes
from terp.stack.planned import Planned, planned, published_schema, read_planned
from terp.stack.workspace import Workspace

FILE = PROJECT / "tests" / "fixtures" / "valid" / "smallest.yaml"
PREFIX = "urn:pulumi:smallest::terp::terp:openstack:Cloud$"


def event(op: str, urn: str, old: Any = None, new: Any = None, **more: Any) -> dict[str, Any]:
    sides = {name: {"inputs": side} for name, side in (("old", old), ("new", new)) if side is not None}
    return {"op": op, "urn": urn, **sides, **more}


def applications(*versions: str) -> dict[str, Any]:
    made = {
        f"app-{number}": {"wave": 0, "spec": {"sources": [{"targetRevision": version}]}}
        for number, version in enumerate(versions)
    }
    return {"values": {"applications": made}}


EVENTS = [
    event("same", f"{PREFIX}openstack:networking/network:Network::nodes", {}, {}),
    event("delete", f"{PREFIX}{VOLUME}::etcd-0", {"size": 4, "name": "etcd-0"}),
    event("update", f"urn:pulumi:smallest::terp::{CLUSTER}::smallest", {}, {}, diffs=["nodes"]),
    event(
        "update",
        f"urn:pulumi:smallest::terp::{PLATFORM}::smallest",
        applications("1.0.0", "2.0.0"),
        applications("1.0.1"),
        diffs=["values"],
    ),
]
RUN = "plan 1 of 1: remove-node.yml on smallest-cpu-1: it shall go; interrupts pods there move"
NOTES = [f"{RUN}; about 4 m 10 s", "app-0: 1.0.0 -> 1.0.1", "somebody said something"]
ALLOW = ["delete-volume:etcd-0", "remove-application:app-1"]


def made(file: Path = FILE, events: list[dict[str, Any]] = EVENTS, notes: list[str] = NOTES) -> Planned:
    return planned(
        Workspace(file),
        Changes(notes=notes, counts=Counter(), events=list(events)),
        raised=True,
        options=("--refresh",),
        allow=ALLOW,
        report=None,
    )


def test_a_plan_tells_of_every_layer() -> None:
    plan = made()
    assert [(step.operation, step.resource) for step in plan.steps] == [
        ("update", "Platform smallest"),
        ("update", "Cluster smallest"),
        ("delete", "Volume etcd-0"),
    ]
    assert plan.same == 1
    (run,) = plan.runs
    assert (run.name, run.hosts, run.reason) == ("remove-node.yml", ("smallest-cpu-1",), "it shall go")
    assert (run.interrupts, run.estimate) == ("pods there move", "about 4 m 10 s")
    assert plan.applications == ("app-0: 1.0.0 -> 1.0.1", "app-1 goes, with all that it has made")
    assert plan.notes == ("somebody said something",)
    assert plan.radius.volumes == ("etcd-0 (4 GiB)",)
    assert list(plan.allowed) == ALLOW


def test_a_plan_that_is_saved_is_read_as_it_was(tmp_path: Path) -> None:
    plan, file = made(), tmp_path / "plan.json"
    file.write_text(plan.model_dump_json())
    assert read_planned(file) == plan
    assert list(read_planned(file).differences(made())) == []


def test_a_plan_is_shown_by_layers_then_what_it_costs_and_who_objects(
    golden: Callable[[str, str], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    plan = made()
    refused = plan.findings[0].model_copy(update={"standing": "refused"})
    show_plan(plan)
    show_verdict(plan.model_copy(update={"findings": (refused, *plan.findings[1:])}))
    lines = (line.rstrip() for line in capsys.readouterr().out.splitlines())
    golden("plan/shown.txt", "\n".join(lines) + "\n")


def test_how_long_a_run_takes_is_no_difference() -> None:
    later = made(notes=[f"{RUN}; about 9 m", *NOTES[1:]])
    assert list(made().differences(later)) == []


def test_a_world_that_has_moved_on_is_told(tmp_path: Path) -> None:
    other = tmp_path / "Pulumi.smallest.yaml"
    other.write_text(FILE.read_text() + "# edited\n")
    more = [*EVENTS, event("create", f"{PREFIX}{VOLUME}::etcd-1", new={"size": 4})]
    assert list(made().differences(made(other, more, NOTES[1:]))) == [
        "the stack's file was edited",
        "not planned then, step: create Volume etcd-1",
        "no longer planned, run: remove-node.yml on smallest-cpu-1: it shall go; interrupts pods there move",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"stack": 1}', "\x00"])
def test_what_is_no_saved_plan_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(text)
    with pytest.raises(TerpError) as caught:
        read_planned(file)
    assert caught.value.exit_code == 2
    with pytest.raises(TerpError):
        read_planned(tmp_path / "none.json")


def test_the_published_schema_is_that_of_the_model(request: pytest.FixtureRequest) -> None:
    file = PROJECT / "docs" / "plan.schema.json"
    if request.config.getoption("--update-golden"):
        file.write_text(published_schema())
    assert file.read_text() == published_schema()
    assert set(json.loads(made().model_dump_json())) == set(json.loads(published_schema())["properties"])
