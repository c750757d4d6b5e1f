"""What a drill came to, what is promised, and what is kept of it."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

from terp.environment.recovery import Objectives
from terp.recovery.chart import chart
from terp.recovery.drilled import Drilled, DrillReport, keep
from terp.recovery.rebuild import Phase
from terp.recovery.seeds import Seed

PHASES = (Phase(name="hosts", seconds=60), Phase(name="cluster <of three>", seconds=180))
DRILLED = Drilled(set="a set", phases=PHASES, rto=250, rpo=90, seeds=())
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def report(drilled: Drilled | None) -> DrillReport:
    return DrillReport(
        stack="drill", cloud="embedded", began=NOW, seconds=600, runner={}, phases=(), drilled=drilled
    )


def test_an_objective_is_missed_by_whoever_takes_longer() -> None:
    assert list(DRILLED.missed(Objectives(rto=5, rpo=2))) == []
    assert list(DRILLED.missed(Objectives(rto=4, rpo=1))) == [
        "RTO: 4 m 10 s, and 4 m 00 s are promised",
        "RPO: 90 s, and 60 s are promised",
    ]


def test_where_no_time_is_promised_none_is_missed() -> None:
    assert Objectives().rto is None
    assert list(DRILLED.model_copy(update={"rto": 1e6}).missed(Objectives())) == []


def test_a_seed_is_right_when_it_came_as_expected() -> None:
    late = Seed(name="late", expected="is lost", found="survives")
    assert not late.right
    assert late.model_copy(update={"found": "is lost"}).right


def test_each_phase_is_a_bar_where_it_began() -> None:
    root = ET.fromstring(chart("recovered", PHASES))  # noqa: S314 - our own
    bars = [each for each in root if each.tag.endswith("rect")]
    first, second = ((float(bar.get("x", 0)), float(bar.get("width", 0))) for bar in bars)
    assert second[0] == first[0] + first[1]
    assert second[1] == 3 * first[1]
    assert "cluster <of three>" in [each.text for each in root]


def test_each_drill_is_kept_beside_earlier_ones(tmp_path: Path) -> None:
    file, picture = keep(report(DRILLED), tmp_path)
    assert (file.name, picture.name) == ("20261128T120000Z.json", "20261128T120000Z.svg")
    assert DrillReport.model_validate_json(file.read_text()) == report(DRILLED)


def test_what_did_not_stand_again_has_no_chart(tmp_path: Path) -> None:
    (file,) = keep(report(None), tmp_path)
    assert file.exists()
