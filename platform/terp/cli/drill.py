"""`terp drill`: the rehearsal of a recovery, timed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from terp.cli.cloud import AsJson, progress
from terp.cli.smoke import SMOKE, KeepOnFailure, Lifetime, end_of_run, heeding, show
from terp.cli.stack import ground
from terp.paths import state_dir
from terp.progress import readable

if TYPE_CHECKING:  # it comes with the SDKs of OpenStack and Kubernetes: two seconds that other commands save
    from terp.recovery.drilled import Drilled


def drill(
    stack_file: Annotated[
        str, typer.Option(help="An environment with a cluster: stacks/Pulumi.<stack>.yaml, or a file.")
    ] = SMOKE,
    ttl: Lifetime = "2h",
    keep_on_failure: KeepOnFailure = False,
    history: Annotated[
        Path | None,
        typer.Option(help="Folder for a report and a chart of each drill.", show_default="state directory"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Raise an environment under a name of its own, lose it, and rebuild it from a recovery set.

    Known data is planted before and after the backup, and looked for in the end. Exit code 1 when something
    failed, or took longer than `recovery.objectives` of the environment promise; 130 when it was interrupted.
    """
    from terp import environment
    from terp.recovery.drill import Drill
    from terp.recovery.drilled import keep
    from terp.stack.lifetime import duration

    with heeding(), progress(as_json=as_json) as story:
        run = Drill(
            environment.stack_file(stack_file),
            duration(ttl),
            story,
            lambda deployment: ground(deployment, story, True, "scripts/terp smoke --no-hosts"),
        )
        report = run.run(keep_on_failure=keep_on_failure)
    kept = keep(report, history or state_dir() / "drills")
    if as_json:
        typer.echo(report.model_dump_json())
    else:
        out = Console()
        if report.drilled:
            _show(report.drilled, out)
        show(report, out)
        typer.echo(f"kept: {', '.join(map(str, kept))}")
    end_of_run(report)


def _show(drilled: "Drilled", out: Console) -> None:
    table = Table("recovery", "time", box=None, pad_edge=False)
    for phase in drilled.phases:
        table.add_row(phase.name, readable(phase.seconds))
    table.add_row("RTO", readable(drilled.rto), style="bold")
    table.add_row("RPO", readable(drilled.rpo), style="bold")
    out.print(table, "")
    found = Table("planted", "", "", box=None, pad_edge=False)
    for seed in drilled.seeds:
        found.add_row(seed.name, seed.found, "" if seed.right else "[bold red]wrong[/]")
    out.print(found, "")
