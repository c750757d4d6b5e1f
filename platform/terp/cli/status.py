"""`terp status`: how an environment is now."""

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from terp.cli.cloud import AsJson, progress
from terp.cli.stack import SANDBOX, Stack

if TYPE_CHECKING:  # it comes with the SDKs of OpenStack and Kubernetes: two seconds that other commands save
    from terp.stack.status import Status

EVERY = 5.0
"""Seconds between two looks."""


def status(
    stack: Stack = SANDBOX,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 5 s, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """How an environment is now: servers, nodes, Applications. Nothing is changed.

    Exit code 1 when something is not well.
    """
    from terp.environment import stack_file
    from terp.stack.status import status as look
    from terp.stack.workflow import Deployment

    with progress() as story:
        deployment = Deployment(stack_file(stack), story)
        found = look(deployment)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        with Live(shown(found), auto_refresh=False) as screen:
            while watch:
                time.sleep(EVERY)
                found = look(deployment)
                screen.update(shown(found), refresh=True)
    if not found.well:
        raise typer.Exit(1)


def shown(status: "Status") -> RenderableType:
    """The status as tables; what is not well is red."""
    hosts = Table("host", "role", "address", "server", "node", "version", box=None, pad_edge=False)
    for host in status.hosts:
        cells = (host.name, host.role, host.address, host.server, host.node, host.version)
        hosts.add_row(*cells, style="" if host.well else "bold red")
    parts: list[RenderableType] = [hosts, *(Text(said, "bold red") for said in status.trouble)]
    if status.applications:
        table = Table("wave", "application", "health", "sync", "what holds it", box=None, pad_edge=False)
        for each in status.applications:
            said = (str(each.wave), each.name, each.health, each.sync, each.message)
            table.add_row(*said, style="" if each.well else "bold red")
        well = sum(each.well for each in status.applications)
        parts += [Text(), table, Text(f"{well} of {len(status.applications)} Applications are well")]
    return Group(*parts)
