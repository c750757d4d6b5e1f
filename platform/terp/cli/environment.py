"""`terp explain` and `terp config`: what an environment may say, and whether a file of one is right."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from terp.cli.cloud import AsJson

if TYPE_CHECKING:
    from terp.environment.reference import Entry
    from terp.openstack.size import Size

config = typer.Typer(help="The file of an environment.", no_args_is_help=True)
out = Console()


def explain(
    key: Annotated[
        str | None, typer.Argument(help="A key, for example nodes.pools.flavor; without one, all of them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a key of an environment means, what it may be, and what it is when it is absent."""
    from terp.environment import reference  # with the models: half a second that other commands save

    if key and (way := reference.find(key)):
        entry = reference.entry(way)
        if as_json:
            out.print_json(entry.model_dump_json())
        else:
            _explain(entry)
        return
    entries = list(reference.entries())
    if as_json:
        out.print_json(json.dumps([each.model_dump() for each in entries]))
    else:
        _tree(entries)


def _explain(entry: "Entry") -> None:
    lines = [entry.key, f"  {entry.title}: {entry.description}", f"  value     {entry.value}"]
    lines += [f"  unit      {entry.unit}"] if entry.unit else []
    lines += ["  required"] if entry.required else [f"  default   {entry.default}"]
    lines += [f"  example   {entry.example}"] if entry.example else []
    lines += ["  keys", *(f"    {each}" for each in entry.inner)] if entry.inner else []
    typer.echo("\n".join(lines))


def _tree(entries: "list[Entry]") -> None:
    width = max(len(entry.key) for entry in entries)
    for entry in entries:
        typer.echo(f"{entry.key:<{width}} {'*' if entry.required else ' '} {entry.description}")
    typer.echo("\n* must be given, with what it belongs to. More: terp explain KEY")


@config.command()
def check(
    stack: Annotated[str, typer.Argument(help="An environment, for example sandbox; or the path of a file.")],
    as_json: AsJson = False,
) -> None:
    """Say whether the file is right, and what it amounts to. Exit code 2 when it is not; changes nothing."""
    from terp.environment import InvalidEnvironmentError, read, stack_file
    from terp.environment.stack_file import stack_name

    file = _from_here(stack_file(stack))
    try:
        environment = read(file)
    except InvalidEnvironmentError as error:
        if not as_json:
            raise
        mistakes = [each.model_dump(mode="json") for each in error.mistakes]
        out.print_json(json.dumps({"file": str(file), "valid": False, "mistakes": mistakes}))
        raise typer.Exit(error.exit_code) from error
    from terp.openstack.size import size_of

    size = size_of(stack_name(file), environment)
    if as_json:
        data = {"file": str(file), "valid": True, "mistakes": [], "size": size.model_dump(mode="json")}
        out.print_json(json.dumps(data))
    else:
        _amount(file, size)


def _amount(file: Path, size: "Size") -> None:
    servers = ", ".join(f"{count} {name}" for name, count in size.servers.items())
    volumes = f"{size.volumes} with {size.gibibytes} GiB" if size.volumes else "none"
    floating_ips = f"{size.new_floating_ips} new, {size.reserved_floating_ips} reserved"
    lines = {
        "servers": f"{sum(size.servers.values())}: {servers}",
        "volumes": volumes,
        "floating IPs": floating_ips,
        "security groups": f"{size.security_groups} with {size.rules} rules",
        "SSH": size.ssh,
        "API": size.api,
        "vCPU and RAM": "the cloud knows its flavors: terp doctor",
    }
    typer.echo(f"{file} is right, and amounts to")
    for name, text in lines.items():
        typer.echo(f"  {name:<16} {text}")


def _from_here(file: Path) -> Path:
    """The way from the working directory if the file is below it: shorter to read, and editors take it."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_absolute() and file.is_relative_to(here) else file
