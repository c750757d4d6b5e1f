"""`terp test`: whether the cluster of an environment does what a cluster does."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from terp.cli.cloud import AsJson, progress
from terp.cli.stack import SANDBOX, Stack
from terp.errors import TerpError
from terp.progress import readable

if TYPE_CHECKING:  # they come with the Kubernetes client: a second that other commands save
    from terp.kubernetes.acceptance import Report, Target

STYLES = {"passed": "green", "failed": "bold red", "not applicable": "yellow"}


def test(
    stack: Stack = SANDBOX,
    only: Annotated[
        str, typer.Option("-k", "--only", help="Those checks alone: pytest's -k.", show_default=False)
    ] = "",
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Of any cluster, instead of the stack's.", show_default=False)
    ] = None,
    image: Annotated[
        str, typer.Option(help="An image of CoreDNS, instead of the cluster's own.", show_default=False)
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check a cluster that stands: nodes, control plane, pods, Services, names, policies, volumes.

    A namespace is made for it, and goes again. Exit code 1 when a check fails.
    """
    from terp.environment import stack_file
    from terp.kubernetes.acceptance import run
    from terp.stack.target import target_of
    from terp.stack.workflow import Deployment

    with progress() as story:
        target = _of_file(kubeconfig) if kubeconfig else target_of(Deployment(stack_file(stack), story))
        report = run(target.model_copy(update={"image": image}), story, only)
    if as_json:
        typer.echo(report.model_dump_json(indent=1))
    else:
        _show(report, Console())
    if report.failed:
        raise typer.Exit(1)


def _of_file(file: Path) -> "Target":
    from terp.kubernetes.acceptance import Target

    try:
        return Target(name=file.name, kubeconfig=file.read_text())
    except OSError as error:
        raise TerpError(f"{file}: {error.strerror}", exit_code=2) from error


def _show(report: "Report", out: Console) -> None:
    """Each check with what came of it, and the sum."""
    table = Table("check", "", "time", "", box=None, pad_edge=False)
    said_before = ""
    for each in report.results:
        outcome = Text(each.outcome, STYLES[each.outcome])
        reason = each.reason if not each.reason or each.reason != said_before else "the same"
        table.add_row(each.check, outcome, f"{each.seconds:.1f} s", Text(reason))
        said_before = each.reason
    out.print(table)
    counts = {state: sum(each.outcome == state for each in report.results) for state in STYLES}
    said = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    out.print(f"\n{report.cluster}: {said}, in {readable(report.seconds)}", highlight=False)
