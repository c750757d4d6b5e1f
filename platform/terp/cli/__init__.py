"""The command line: parses, calls, prints; what it calls lives in the other packages."""

import logging
import os
import sys

import structlog
import typer
from rich.console import Console
from rich.markup import escape

from terp.cli import (
    acceptance,
    backup,
    certs,
    cloud,
    doctor,
    drill,
    environment,
    gitops,
    hosts,
    kubespray,
    mirror,
    reap,
    rebuild,
    smoke,
    stack,
    status,
    tools,
)
from terp.errors import TerpError

app = typer.Typer(
    help="Raise a private machine-learning platform on your own OpenStack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(stack.up)
app.command()(stack.plan)
app.command()(stack.destroy)
app.command()(stack.ssh)
app.command()(stack.env)
app.command()(stack.down)
app.command()(status.status)
app.command()(smoke.smoke)
app.command()(reap.reap)
app.command()(rebuild.rebuild)
app.command()(drill.drill)
app.command()(acceptance.test)
app.command()(doctor.doctor)
app.command()(environment.explain)
app.command()(mirror.mirror)
app.add_typer(environment.config, name="config")
app.add_typer(backup.app, name="backup")
app.add_typer(certs.app, name="certs")
app.add_typer(hosts.app, name="hosts")
app.add_typer(cloud.app, name="cloud")
app.add_typer(tools.app, name="tools")
app.add_typer(kubespray.app, name="kubespray")
app.add_typer(gitops.app, name="gitops")


def main() -> None:
    """Run the command line; an error that a person can act on is printed without a traceback.

    `TERP_DEBUG` in the environment shows every program that is run.
    """
    wanted = logging.DEBUG if os.environ.get("TERP_DEBUG") else logging.WARNING
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(wanted),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        app(prog_name="terp")
    except TerpError as error:
        message = escape(error.message)  # "[zone-a]" is no markup
        Console(stderr=True).print(f"[bold red]error:[/] {message}", highlight=False, soft_wrap=True)
        if error.hint:
            Console(stderr=True).print(f"  {error.hint}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
