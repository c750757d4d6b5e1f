"""`terp reap`: what stacks have left on a cloud."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from terp.cli.cloud import AsJson, progress
from terp.errors import TerpError

if TYPE_CHECKING:  # it comes with OpenStack's SDK: a second that other commands save
    from terp.stack.reap.model import FoundStack
    from terp.stack.reap.reap import Reaping

out = Console()


def reap(
    cloud: Annotated[str, typer.Option(help="Entry of clouds.yaml.")] = "embedded",
    region: Annotated[str | None, typer.Option(help="One of its regions.", show_default=False)] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove what may go; without it nothing is changed.")
    ] = False,
    stack: Annotated[
        list[str] | None,
        typer.Option(
            help="A stack that may go, too: gone from Pulumi's backend for good, or before its end."
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="What stays: a stack, or the id or name of a thing; * and ? are wildcards."),
    ] = None,
    keep_file: Annotated[
        Path | None, typer.Option(help="A file with one such pattern a line.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find what stacks have left on a cloud: their lifetime has ended, or the run that made them is dead.

    Exit code 1 when something could not be removed.
    """
    from terp.environment.cloud import Cloud
    from terp.stack.reap.reap import Reaper, Reaping

    patterns = [*(keep or ()), *(_patterns(keep_file) if keep_file else ())]
    with progress(as_json=as_json) as story:
        reaper = Reaper(Cloud(name=cloud, region=region), story)
        found = reaper.look(patterns, stack or ())
        reaping = reaper.remove(found) if yes else Reaping(found)
    if as_json:
        typer.echo(_machine(reaping, removed=yes))
    else:
        _show(reaping, removed=yes)
    if reaping.removal.failed:
        raise typer.Exit(1)


def _patterns(file: Path) -> list[str]:
    """One a line; what follows # is a remark."""
    try:
        lines = [line.partition("#")[0].strip() for line in file.read_text().splitlines()]
    except OSError as error:
        raise TerpError(f"{file}: {error.strerror}", exit_code=2) from error
    return [line for line in lines if line]


def _machine(reaping: "Reaping", *, removed: bool) -> str:
    """The last of the JSON lines."""
    said = {
        "removed": removed,
        "stacks": [each.model_dump(mode="json") for each in reaping.stacks],
        "forgotten": list(reaping.forgotten),
        "failed": [{**thing.model_dump(mode="json"), "reason": why} for thing, why in reaping.removal.failed],
    }
    return json.dumps(said)


def _show(reaping: "Reaping", *, removed: bool) -> None:
    table = Table(Column("stack", overflow="fold"), "", "why", "things", box=None, pad_edge=False)
    for each in reaping.stacks:
        goes = ("[red]goes[/]" if not removed else "[red]went[/]") if each.may_go else "[green]stays[/]"
        table.add_row(each.name, goes, each.reason, _counted(each))
    out.print(table if table.row_count else "nothing of any stack is there")
    for thing, why in reaping.removal.failed:
        out.print(f"[bold red]left:[/] {thing}: {why}", highlight=False, soft_wrap=True)
    going = [each for each in reaping.stacks if each.may_go]
    if going and not removed:
        out.print("\nnothing was changed; to remove what goes: the same with --yes", highlight=False)


def _counted(stack: "FoundStack") -> str:
    """`server (2), network (1)`, and what stays of a stack that goes."""

    def counts(things: tuple[object, ...]) -> str:
        kinds = [getattr(each, "kind", "") for each in things]
        counted = {kind: kinds.count(kind) for kind in kinds}
        return ", ".join(f"{kind} ({number})" for kind, number in counted.items()) or "none"

    said = counts(stack.takes if stack.may_go else stack.leaves)
    return f"{said}; kept: {counts(stack.leaves)}" if stack.may_go and stack.leaves else said
