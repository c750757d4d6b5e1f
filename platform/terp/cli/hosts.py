"""`terp hosts`: the hosts of an environment."""

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from terp.cli.cloud import AsJson, progress
from terp.cli.doctor import STYLES
from terp.cli.stack import Stack
from terp.progress import readable

if TYPE_CHECKING:  # they come with OpenStack's SDK: a second that other commands save
    from terp.kubernetes.readiness import Report

SHOWN = 60
"""Findings that a person is shown; --json has all."""

app = typer.Typer(help="The hosts of an environment.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A group, also while it has one command alone."""


@app.command()
def check(stack: Stack, as_json: AsJson = False) -> None:
    """Whether the hosts are ready for a run of Kubernetes' playbooks: everything at once, within 30 s.

    Nothing is changed. Exit code 2 when something is wrong.
    """
    from terp.environment import stack_file
    from terp.kubernetes.nodes import jump_of, nodes_of
    from terp.kubernetes.readiness import check_hosts, needs_of
    from terp.kubernetes.variables import group_variables
    from terp.openstack.hosts import Host
    from terp.stack.workflow import Deployment

    with progress() as story:
        deployment = Deployment(stack_file(stack), story)
        environment = deployment.workspace.environment
        outputs = deployment.outputs()
        hosts = [Host.model_validate(each) for each in outputs["hosts"]]
        nodes = nodes_of(hosts, environment)
        members = [node.name for node in nodes] if outputs.get("kubeconfig") else []
        variables = group_variables(environment, deployment.workspace.stack)
        needs = needs_of(variables, environment.kubernetes.installer, members)
        with story.task("check the hosts"):
            report = check_hosts(nodes, jump_of(hosts), outputs["private_key"], needs)
    if as_json:
        typer.echo(report.model_dump_json(indent=1))
    else:
        _show(report, Console())
    if report.errors:
        raise typer.Exit(2)


def _show(report: "Report", out: Console) -> None:
    """What is wrong, host by host, and a verdict."""
    table = Table("host", "check", "", "what is wrong, and what would be right", box=None, pad_edge=False)
    for each in report.findings[:SHOWN]:
        what = Text(f"{each.message}\n") + Text(each.suggestion, "dim")
        table.add_row(each.host, each.check, Text(each.severity, STYLES[each.severity]), what)
    if table.row_count:
        out.print(table)
        out.print()
    if len(report.findings) > SHOWN:
        out.print(f"and {len(report.findings) - SHOWN} more: --json has all")
    counts = f"{len(report.errors)} errors, {len(report.warnings)} warnings"
    verdict = "not ready" if report.errors else "ready"
    out.print(f"{report.hosts} hosts, {counts}, in {readable(report.seconds)}: {verdict}", highlight=False)
