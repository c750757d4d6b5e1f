"""`terp smoke`: an environment of its own, raised, checked, removed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from terp.cli.acceptance import STYLES
from terp.cli.cloud import AsJson, progress
from terp.cli.stack import ground
from terp.progress import readable

if TYPE_CHECKING:  # they come with the SDKs of OpenStack and Kubernetes: two seconds that other commands save
    from terp.smoke.model import SmokeReport

SMOKE = "smoke"
"""The environment that Terp comes with for it."""
Lifetime = Annotated[
    str, typer.Option(help="How long it may live: 90m, 2h, 1d. After that `terp reap` removes it.")
]
KeepOnFailure = Annotated[
    bool, typer.Option("--keep-on-failure", help="Leave what failed, until its lifetime ends.")
]


def smoke(
    stack_file: Annotated[
        str, typer.Option(help="An environment: stacks/Pulumi.<stack>.yaml, or a file.")
    ] = SMOKE,
    ttl: Lifetime = "2h",
    keep_on_failure: KeepOnFailure = False,
    reports: Annotated[Path, typer.Option(help="Folder for junit.xml, report.html and report.json.")] = Path(
        "smoke-report"
    ),
    hosts: Annotated[
        bool | None, typer.Option("--hosts/--no-hosts", help="Embedded cloud: real hosts (root), or records.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Raise an environment under a name of its own, check it, remove it, and prove that nothing is left.

    Ctrl-C and SIGTERM end it and remove what it has made; after kill -9 the next `terp reap` does.
    Exit code 1 when something failed, 130 when it was interrupted.
    """
    from terp import environment
    from terp.smoke.report import JUNIT, PAGE, write_reports
    from terp.smoke.smoke import Smoke
    from terp.stack.lifetime import duration

    with heeding(), progress(as_json=as_json) as story:
        run = Smoke(
            environment.stack_file(stack_file),
            duration(ttl),
            story,
            lambda deployment: ground(deployment, story, hosts, "scripts/terp smoke --no-hosts"),
        )
        report = run.run(keep_on_failure=keep_on_failure)
    write_reports(report, reports)
    if as_json:
        typer.echo(report.model_dump_json())
    else:
        show(report, Console())
        typer.echo(f"reports: {reports / JUNIT}, {reports / PAGE}")
    end_of_run(report)


@contextmanager
def heeding() -> Iterator[None]:
    """A run takes the signals in the block; afterwards they are whose they were."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def end_of_run(report: "SmokeReport") -> None:
    """End with the exit code that says how it went."""
    if report.interrupted:
        raise typer.Exit(130)
    if not report.passed:
        raise typer.Exit(1)


def show(report: "SmokeReport", out: Console) -> None:
    """The phases, what failed, and the verdict."""
    table = Table("phase", "", "time", "", box=None, pad_edge=False)
    for phase in report.phases:
        table.add_row(
            phase.name, Text(phase.outcome, STYLES[phase.outcome]), readable(phase.seconds), Text(phase.said)
        )
    for check in report.checks:
        if check.outcome != "passed":
            table.add_row(
                f"  {check.check}", Text(check.outcome, STYLES[check.outcome]), "", Text(check.reason)
            )
    out.print(table)
    verdict = "passed" if report.passed else "failed"
    kept = "; the stack is kept" if report.kept else ""
    out.print(
        f"\n{report.stack}: {verdict}, in {readable(report.seconds)}{kept}", highlight=False, soft_wrap=True
    )
