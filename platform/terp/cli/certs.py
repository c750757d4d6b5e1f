"""`terp certs`: when the certificates of a cluster end, and new ones."""

import json
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from terp.cli.cloud import AsJson, progress
from terp.cli.stack import Stack

if TYPE_CHECKING:  # they come with OpenStack's SDK: a second that other commands save
    from terp.kubernetes.certificates import Certificates

DUE = 1
"""Exit code when a certificate ends soon, or a host did not answer."""
LONGEST = timedelta(days=36_500)
out = Console()

Within = Annotated[
    str, typer.Option("--within", help="How soon a certificate may end: 30d, 12h.", show_default=True)
]

app = typer.Typer(help="The certificates of a cluster: when they end, and new ones.", no_args_is_help=True)


@app.command()
def status(stack: Stack, within: Within = "30d", as_json: AsJson = False) -> None:
    """When they end, read from all hosts at once. Nothing is changed.

    Exit code 1 when one ends soon, or a host did not answer.
    """
    from terp.environment import stack_file
    from terp.stack.certificates import certificates_of
    from terp.stack.lifetime import duration
    from terp.stack.workflow import Deployment

    soon = duration(within, LONGEST)
    with progress(as_json=as_json) as story:
        deployment = Deployment(stack_file(stack), story)
        with story.task("look at the certificates"):
            found = certificates_of(deployment)
    _end(found, soon, as_json=as_json)


@app.command()
def renew(stack: Stack, within: Within = "30d", as_json: AsJson = False) -> None:
    """Renew those of the control plane, of kubelets, and the kubeconfig, when one ends soon or has ended.

    One node after the other; its API server is away for a moment. Exit code 1 when some still end soon.
    """
    from terp.environment import stack_file
    from terp.stack.certificates import renew_certificates
    from terp.stack.lifetime import duration
    from terp.stack.workflow import Deployment

    soon = duration(within, LONGEST)
    with progress(as_json=as_json) as story:
        done = renew_certificates(Deployment(stack_file(stack), story), soon, story)
    _end(done.certificates, soon, as_json=as_json, renewed=done.renewed)


def _end(found: "Certificates", within: timedelta, *, as_json: bool, renewed: bool | None = None) -> None:
    """Tell what was found, and leave with the exit code of it."""
    due = found.due(within)
    if as_json:
        said = {
            "certificates": [each.model_dump(mode="json") for each in found.found],
            "due": [{**each.model_dump(mode="json"), "remedy": each.remedy} for each in due],
            "silent": found.silent,
        }
        typer.echo(json.dumps(said if renewed is None else {**said, "renewed": renewed}))
    else:
        _show(found, within)
        if renewed is not None:
            out.print("renewed" if renewed else "none that can be renewed ends soon: nothing was done")
    if due or found.silent:
        raise typer.Exit(DUE)


def _show(found: "Certificates", within: timedelta) -> None:
    """One line for each file with the host where it ends first, and each that is due."""
    now = datetime.now(UTC)
    due = found.due(within, now)
    table = Table("certificate", "host", "ends", "", "renewed by", box=None, pad_edge=False)
    for column in table.columns[2:4]:
        column.no_wrap = True
    by_file = groupby(sorted(found.found, key=lambda each: each.file), key=lambda each: each.file)
    for file, each_host in ((file, list(each)) for file, each in by_file):
        late = [each for each in each_host if each in due]
        first = min(each_host, key=lambda each: each.end)
        for each in late or [first]:
            more = f" and {len(each_host) - 1} more" if not late and len(each_host) > 1 else ""
            days = (each.end - now).days
            left = f"in {days} days" if each.end > now else "has ended"
            cells = (file, f"{each.host}{more}", f"{each.end:%Y-%m-%d}", left, each.remedy)
            table.add_row(*cells, style="bold red" if each in due else "")
    out.print(table)
    if found.silent:
        out.print(f"no answer from {', '.join(found.silent)}", style="bold red")
    if due:
        out.print(f"{len(due)} of {len(found.found)} end within {within.days} days", style="bold red")
