"""`terp doctor`: what stands between an environment and its cloud, before anything is changed."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from terp.cli.cloud import AsJson, progress
from terp.environment import read, stack_file
from terp.environment.document import parse
from terp.environment.findings import ENVIRONMENT, Key, dotted
from terp.environment.stack_file import WAY, stack_name
from terp.progress import Progress

if TYPE_CHECKING:  # they come with OpenStack's SDK: a second that other commands save
    from terp.preflight import Finding, Report, Row

BACKEND = "PULUMI_BACKEND_URL"
"""Where Pulumi's state is, when it is not on this machine."""
STYLES = {"error": "bold red", "warning": "yellow"}


def doctor(
    stack: Annotated[str, typer.Argument(help="An environment: stacks/Pulumi.<stack>.yaml, or a file.")],
    as_json: AsJson = False,
) -> None:
    """Hold an environment against its cloud: credential, services, offers, names, the whole quota.

    Nothing is changed. Exit code 2 when something is wrong.
    """
    from terp.preflight import check

    file = stack_file(stack)
    environment = read(file)
    with progress() as story:
        report = check(stack_name(file), environment, _recorded(file, story), story)
    if as_json:
        typer.echo(report.model_dump_json(indent=1))
    else:
        show(report, file, Console())
    if report.errors:
        raise typer.Exit(2)


def show(report: "Report", file: Path, out: Console) -> None:
    """Print a report: what is wrong with its place in the stack's file, the quota, the verdict."""
    lines = parse(file.read_text()).lines
    for finding in report.findings:
        out.print(described(finding, file, lines), soft_wrap=True)
        out.print()
    if report.quota:
        out.print(table(report.quota))
        out.print()
    out.print(verdict(report))


def described(finding: "Finding", file: Path, lines: Mapping[Key, int]) -> Text:
    """A finding as `terp config check` prints a mistake."""
    key = (*WAY, *finding.key)
    above = (key[:length] for length in range(len(key), len(WAY), -1))
    line = next((lines[each] for each in above if each in lines), None)
    place = f"{file}:{line}: " if line else f"{file}: "
    where = Text(place) + Text(dotted((ENVIRONMENT, *finding.key)) if finding.key else "")
    said = Text(f"\n  {finding.severity}: ", STYLES[finding.severity]) + Text(finding.message)
    return where + said + Text(f"\n  {finding.suggestion}" if finding.suggestion else "")


def table(rows: "tuple[Row, ...]") -> RenderableType:
    """The quota: what may be, what is, what comes, what is missing."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("resource")
    for column in ("quota", "used", "added by this plan", "short by"):
        shown.add_column(column, justify="right")
    for row in rows:
        quota = "unlimited" if row.quota < 0 else str(row.quota)
        missing = str(row.short) if row.short else ""
        shown.add_row(
            row.label, quota, str(row.used), str(row.added), missing, style="bold red" if row.short else None
        )
    return shown


def verdict(report: "Report") -> Text:
    """One line: whether an `up` may begin."""
    warnings = f"; {_count(len(report.warnings), 'warning')}" if report.warnings else ""
    if report.errors:
        return Text(f"{report.stack} cannot be raised: {_count(len(report.errors), 'error')}{warnings}")
    return Text(f"{report.stack} can be raised{warnings}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _recorded(file: Path, story: Progress) -> Mapping[str, Any] | None:
    """What the stack has, None when it was never raised; no tools are fetched to find that out."""
    from terp.stack.workspace import Workspace

    workspace = Workspace(file)
    if not workspace.root.exists() and BACKEND not in os.environ:
        return None
    from terp.stack.pulumi import Pulumi
    from terp.stack.workflow import TOOLS
    from terp.tools import sync

    workspace.prepare()
    pulumi = Pulumi(workspace, sync(TOOLS, story))
    return pulumi.exported() if pulumi.exists() else None
