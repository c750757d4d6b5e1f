"""The report of a smoke test: JUnit XML for machines, one page of HTML for people."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from terp.kubernetes.acceptance.model import Result
from terp.progress import readable
from terp.smoke.model import Phase, SmokeReport

JUNIT, PAGE = "junit.xml", "report.html"


def write_reports(report: SmokeReport, folder: Path) -> None:
    """Write both, and the whole as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JUNIT).write_text(junit(report))
    (folder / PAGE).write_text(page(report))
    (folder / "report.json").write_text(report.model_dump_json(indent=1) + "\n")


def junit(report: SmokeReport) -> str:
    """A suite of the phases and one of the checks, in the form that GitLab and Jenkins read."""
    root = ET.Element("testsuites", name=f"smoke {report.stack}", time=f"{report.seconds:.3f}")
    logs = "\n".join(f"== {each.name}\n{each.text}" for each in report.logs)
    _suite(
        root, "phases", [(each.name, each.outcome, each.said, each.seconds) for each in report.phases], logs
    )
    _suite(root, "checks", [(each.check, each.outcome, each.reason, each.seconds) for each in report.checks])
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(
    root: ET.Element, name: str, cases: Iterable[tuple[str, str, str, float]], output: str = ""
) -> None:
    every = list(cases)
    counts = {
        "tests": str(len(every)),
        "failures": str(sum(outcome == "failed" for _, outcome, _, _ in every)),
        "skipped": str(sum(outcome == "not applicable" for _, outcome, _, _ in every)),
        "errors": "0",
        "time": f"{sum(seconds for *_, seconds in every):.3f}",
    }
    suite = ET.SubElement(root, "testsuite", {"name": name, **counts})
    for case, outcome, said, seconds in every:
        element = ET.SubElement(suite, "testcase", classname=name, name=case, time=f"{seconds:.3f}")
        if outcome == "failed":
            first = _text(said).partition("\n")[0]
            ET.SubElement(element, "failure", message=first).text = _text(said)
        elif outcome == "not applicable":
            ET.SubElement(element, "skipped", message=_text(said))
    if output:
        ET.SubElement(suite, "system-out").text = _text(output)


def _text(said: str) -> str:
    """What XML 1.0 can hold of a text: terminals' control characters are left out."""
    return "".join(each for each in said if each in "\t\n\r" or " " <= each < "\ufffe")


def page(report: SmokeReport) -> str:
    """One file that needs no other."""
    templates = Environment(
        loader=PackageLoader("terp.smoke", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    templates.filters["readable"] = readable
    return templates.get_template("report.html.j2").render(report=report, longest=_longest(report.phases))


def _longest(phases: Iterable[Phase | Result]) -> float:
    return max((each.seconds for each in phases), default=1.0) or 1.0
