"""`terp cloud`: the embedded OpenStack of this machine."""

import json
import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from terp.cloud.faults import FILE as FAULTS
from terp.cloud.faults import Fault, read_faults, set_faults
from terp.cloud.settings import DEFAULT, read_settings
from terp.cloud.state import State
from terp.cloud.status import Status, status_of
from terp.errors import TerpError
from terp.paths import cache_dir, state_dir
from terp.progress import Progress, progress_for

app = typer.Typer(
    help="A genuine OpenStack on this machine, whose servers are real hosts.", no_args_is_help=True
)
fault = typer.Typer(help="Faults on purpose, for tests. Off while there is no rule.", no_args_is_help=True)
app.add_typer(fault, name="fault")

AsJson = Annotated[bool, typer.Option("--json", help="For machines: JSON on standard output.")]
out = Console()


def the_cloud() -> State:
    """The embedded cloud of this user (`TERP_STATE` moves it)."""
    return State(state_dir() / "cloud")


def progress(*, as_json: bool = False) -> Progress:
    """Progress on standard error, so that standard output holds results only."""
    return progress_for(Console(stderr=True), cache_dir() / "timings.json", as_json=as_json)


def hosts_wanted(cloud: State, asked: bool | None, *, otherwise: str) -> bool:
    """Whether servers are real hosts: as they are already, else as it was `asked`, else yes.

    Raises:
        TerpError: they are, and this is not root; `otherwise` is the command that does without.
    """
    if cloud.exists():
        if cloud.ground.hosts:
            need_root()
        return cloud.ground.hosts
    if asked is not False:
        need_root(f"; or, without hosts, the whole API with records instead of servers: {otherwise}")
    return asked is not False


def need_root(otherwise: str = "") -> None:
    """Refuse to go on with hosts for a user who cannot have them.

    Raises:
        TerpError: this is not root.
    """
    if os.geteuid() != 0:
        raise TerpError(
            "servers are real hosts (systemd-nspawn), and that needs root",
            hint=f"run it with sudo{otherwise}",
            exit_code=2,
        )


@app.command()
def up(
    settings: Annotated[
        Path, typer.Option(help="What the cloud offers: quotas, flavors, networks.", show_default=False)
    ] = DEFAULT,
    hosts: Annotated[
        bool | None, typer.Option("--hosts/--no-hosts", help="Real hosts (needs root), or records only.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Lead to a running cloud, from wherever it is: absent, stopped, crashed, after a reboot."""
    from terp.cloud import lifecycle  # with OpenStack's SDK: a second that other commands save

    wanted = read_settings(settings)
    cloud = the_cloud()
    with_hosts = hosts_wanted(cloud, hosts, otherwise="scripts/terp cloud up --no-hosts")
    with progress(as_json=as_json) as story:
        lifecycle.up(cloud, wanted, story, with_hosts=with_hosts)
    if not as_json:
        out.print(f"the cloud is up; use it with\n  {_environment(cloud)}", highlight=False, soft_wrap=True)


@app.command()
def down(as_json: AsJson = False) -> None:
    """Stop everything; servers keep their disks and come back with `up`."""
    from terp.cloud import lifecycle

    with progress(as_json=as_json) as story:
        lifecycle.down(the_cloud(), story)


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, as_json: AsJson = False
) -> None:
    """Stop everything and remove the cloud with its servers and volumes."""
    from terp.cloud import lifecycle

    cloud = the_cloud()
    if not yes and cloud.exists():
        typer.confirm(f"remove the cloud in {cloud.root} with all its servers and volumes?", abort=True)
    with progress(as_json=as_json) as story:
        lifecycle.reset(cloud, story)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Each service and each server: does it run, how much memory. Exit code 1 when something does not."""
    found = status_of(the_cloud())
    if as_json:
        out.print_json(found.model_dump_json())
    else:
        _show(found)
    if not found.healthy:
        raise typer.Exit(1)


def _show(found: Status) -> None:
    table = Table(box=None, pad_edge=False)
    for column, side in (
        ("service", "left"),
        ("state", "left"),
        ("pid", "right"),
        ("address", "left"),
        ("MB", "right"),
    ):
        table.add_column(column, justify="right" if side == "right" else "left")
    for service in found.services:
        state = {"up": "[green]up[/]", "starting": "[yellow]starting[/]"}.get(service.state, "[red]down[/]")
        memory = f"{service.memory:.0f}" if service.memory else ""
        table.add_row(service.name, state, str(service.pid or ""), service.address, memory)
    out.print(table)
    out.print(f"control plane: {sum(service.memory for service in found.services):.0f} MB", highlight=False)
    servers = Table(box=None, pad_edge=False)
    for column in ("server", "id", "state"):
        servers.add_column(column)
    servers.add_column("MB", justify="right")
    for server in found.servers:
        state = "[green]running[/]" if server.running else "stopped"
        servers.add_row(server.name, server.id, state, f"{server.memory:.0f}" if server.running else "")
    out.print()
    out.print(servers if found.servers else "no servers")


@app.command()
def logs(
    service: Annotated[str, typer.Argument(help="A service as `status` names it.")],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what is written.")] = False,
    lines: Annotated[int, typer.Option("-n", help="So many of the last lines.")] = 100,
) -> None:
    """What a service has logged."""
    cloud = the_cloud()
    file = cloud.ground.place.path("logs", f"{service}.log")
    if not file.exists():
        known = ", ".join(sorted(each.stem for each in file.parent.glob("*.log")))
        raise TerpError(f"no log of {service!r}", hint=f"there are: {known}", exit_code=2)
    raise typer.Exit(subprocess.call(["tail", "-n", str(lines), *(["-F"] if follow else []), str(file)]))


@app.command()
def env(
    admin: Annotated[bool, typer.Option("--admin", help="As the administrator.")] = False,
) -> None:
    """Shell lines that point OpenStack clients at the cloud: eval "$(terp cloud env)"."""
    typer.echo(_environment(the_cloud(), admin=admin))


def _environment(cloud: State, *, admin: bool = False) -> str:
    file = cloud.path("admin-clouds.yaml" if admin else "clouds.yaml")
    if not cloud.exists() or not file.exists():
        raise TerpError(f"there is no embedded cloud in {cloud.root}", hint="make one: terp cloud up")
    return f"export OS_CLIENT_CONFIG_FILE={file} OS_CLOUD={'embedded-admin' if admin else 'embedded'}"


@fault.command("add")
def add_fault(
    rule: Annotated[
        str,
        typer.Argument(
            help='JSON, e.g. \'{"service": "nova", "method": "POST", "status": 503, "times": 2}\'.'
        ),
    ],
) -> None:
    """Put one more rule in force."""
    cloud = the_cloud()
    with cloud.lock():
        try:
            added = Fault.model_validate_json(rule)
        except ValidationError as error:
            said = "; ".join(
                f"{'.'.join(map(str, each['loc'])) or 'rule'}: {each['msg']}" for each in error.errors()
            )
            hint = "what a rule may say: " + ", ".join(Fault.model_fields)
            raise TerpError(said, hint=hint, exit_code=2) from error
        set_faults(cloud, [*read_faults(cloud.path(FAULTS)), added])


@fault.command("list")
def list_faults() -> None:
    """The rules in force, as JSON."""
    rules = read_faults(the_cloud().path(FAULTS))
    typer.echo(json.dumps([each.model_dump(exclude_defaults=True) for each in rules], indent=1))


@fault.command("clear")
def clear_faults() -> None:
    """End all faults."""
    cloud = the_cloud()
    with cloud.lock():
        set_faults(cloud, [])


@fault.command("kill")
def kill_server(server: Annotated[str, typer.Argument(help="Name or id of a server.")]) -> None:
    """Pull the plug of a server."""
    from terp.cloud.hosts import hosts

    found = [host for host in hosts(the_cloud().ground.place) if server in (host.id, host.record().spec.name)]
    if len(found) != 1:
        raise TerpError(
            f"{len(found)} servers are called {server!r}", hint="see: terp cloud status", exit_code=2
        )
    found[0].kill()
