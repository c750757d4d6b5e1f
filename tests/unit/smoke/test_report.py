"""The reports of a smoke test."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

from terp.kubernetes.acceptance.model import Result
from terp.smoke.model import HostFacts, Log, Phase, SmokeReport
from terp.smoke.report import junit, page, write_reports

REPORT = SmokeReport(
    stack="smoke-3fa94c-until-20261128t1203z",
    cloud="embedded",
    began=datetime(2026, 11, 28, 10, 3, tzinfo=UTC),
    seconds=61.5,
    runner={"system": "Debian <12>"},
    phases=(
        Phase(name="up", outcome="passed", seconds=50),
        Phase(
            name="checks",
            outcome="failed",
            seconds=10,
            said="1 of 2 checks failed\nsee \x1b[31mbelow & above",
        ),
    ),
    checks=(
        Result(check="a service answers", outcome="failed", reason="no answer", seconds=9),
        Result(check="a volume is bound", outcome="not applicable", reason="no StorageClass", seconds=1),
    ),
    hosts=(HostFacts(name="smoke-cpu-0", role="worker", address="10.0.0.5", kernel="6.1"),),
    logs=(Log(name="pulumi.log", text="error: <nothing> works"),),
)


def test_junit_counts_what_failed_and_what_does_not_apply() -> None:
    root = ET.fromstring(junit(REPORT))  # noqa: S314 - our own
    phases, checks = root
    assert (phases.get("tests"), phases.get("failures"), phases.get("skipped")) == ("2", "1", "0")
    assert (checks.get("tests"), checks.get("failures"), checks.get("skipped")) == ("2", "1", "1")
    failure = phases.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "1 of 2 checks failed"
    assert (phases.findtext("system-out") or "").endswith("error: <nothing> works")


def test_the_page_needs_no_other_file_and_escapes_what_is_said() -> None:
    html = page(REPORT)
    assert "error: &lt;nothing&gt; works" in html
    assert "Debian &lt;12&gt;" in html
    assert "a service answers" in html
    assert "6.1" in html
    assert "src=" not in html
    assert "href=" not in html


def test_all_three_are_written(tmp_path: Path) -> None:
    write_reports(REPORT, tmp_path / "new" / "folder")
    assert {each.name for each in (tmp_path / "new" / "folder").iterdir()} == {
        "junit.xml",
        "report.html",
        "report.json",
    }
    again = SmokeReport.model_validate_json((tmp_path / "new" / "folder" / "report.json").read_text())
    assert again == REPORT


def test_one_failed_check_fails_the_whole() -> None:
    assert not REPORT.passed
    assert REPORT.model_copy(update={"phases": REPORT.phases[:1], "checks": ()}).passed
