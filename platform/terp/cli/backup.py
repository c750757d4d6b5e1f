"""`terp backup`: recovery sets of an environment, written, listed and proved."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from terp.cli.cloud import AsJson, progress
from terp.progress import readable

if TYPE_CHECKING:  # they come with what opens sets: a second that other commands save
    from terp.recovery.check import Check
    from terp.recovery.manifest import Manifest
    from terp.recovery.sets import Sets, Standing

CREATE = "create"
OVERDUE = 1
"""Exit code when the newest set is older than `recovery.objectives.rpo`, or there is none."""
WRONG = 1
"""Exit code of a set that something is wrong with."""
UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
out = Console()

Stack = Annotated[str, typer.Argument(help="An environment: stacks/Pulumi.<stack>.yaml, or a file.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="A directory or s3://BUCKET/PREFIX; as the environment's file says when absent.",
        show_default=False,
    ),
]


class _Backup(TyperGroup):
    """`terp backup STACK` is `terp backup create STACK`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Put the command's name before what is none; typer has a Click of its own under a private name."""
        asks = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if asks else [CREATE, *args])


app = typer.Typer(
    cls=_Backup,
    help="What must survive an environment: `terp backup STACK` writes a recovery set of it.",
    no_args_is_help=True,
)


@app.command()
def create(stack: Stack, as_json: AsJson = False) -> None:
    """Write a recovery set, encrypted to `recovery.recipients`. Nothing of the environment is changed."""
    from terp.environment import stack_file
    from terp.recovery.backup import backup, settings_of
    from terp.stack.workflow import Deployment

    with progress(as_json=as_json) as story:
        deployment = Deployment(stack_file(stack), story)
        to = settings_of(deployment.workspace.environment).to
        written = backup(deployment.workspace, deployment.toolchain, story)
    manifest = written.manifest
    if as_json:
        typer.echo(json.dumps({**_described(manifest), "removed": written.removed}))
        return
    out.print(f"set {manifest.name}: {len(manifest.objects)} objects, {_bytes(manifest.size)}, in {to}")
    if written.removed:
        out.print(f"removed, as their time is over: {', '.join(written.removed)}")
    out.print(f"prove it:    scripts/terp backup verify {stack} --key FILE", highlight=False)


@app.command("list")
def list_(stack: Stack, from_: From = None, as_json: AsJson = False) -> None:
    """Which sets there are. Exit code 1 when the newest is older than what is promised, or there is none."""
    from terp.recovery.sets import age_of

    sets, promised = _sets(stack, from_)
    found = sets.standing()
    age = age_of(found)
    overdue = age is None or (promised is not None and age > promised)
    if as_json:
        listed = [
            {
                "name": each.name,
                "problem": each.problem,
                **(_described(each.manifest) if each.manifest else {}),
            }
            for each in found
        ]
        seconds = None if age is None else round(age.total_seconds())
        typer.echo(json.dumps({"sets": listed, "age": seconds, "overdue": overdue}))
    else:
        _list(found, age, promised)
    if overdue:
        raise typer.Exit(OVERDUE)


@app.command()
def verify(
    stack: Stack,
    set_: Annotated[
        str, typer.Option("--set", help="The beginning of its name, or the newest usable one.")
    ] = "latest",
    key: Annotated[
        Path | None,
        typer.Option(
            envvar="TERP_RECOVERY_KEY",
            help="File with a private key of a recipient. Without it only the bytes are compared.",
            show_default=False,
        ),
    ] = None,
    from_: From = None,
    as_json: AsJson = False,
) -> None:
    """Prove a set: each object is read and opened, each key opens what it should. No environment is asked.

    Exit code 1: something is wrong with it.
    """
    from terp.recovery.age import read_keys
    from terp.recovery.proof import prove

    keys = read_keys(key) if key else ()
    sets, _ = _sets(stack, from_)
    manifest = sets.find(set_)
    with progress(as_json=as_json) as story:
        checks = prove(sets, manifest, keys, story)
    whole = not any(each.problem for each in checks)
    if as_json:
        said = [each.model_dump() for each in checks]
        typer.echo(json.dumps({"name": manifest.name, "opened": bool(keys), "whole": whole, "checks": said}))
    else:
        _show(manifest, checks, opened=bool(keys))
    if not whole:
        raise typer.Exit(WRONG)


@app.command()
def key(file: Annotated[Path, typer.Argument(help="A new file for the private key.")]) -> None:
    """Make a key that opens sets: the private one in a file, the public one for `recovery.recipients`.

    Keep the file where the environment's end cannot reach it, and a second one elsewhere.
    """
    from terp.recovery.age import new_key

    typer.echo(new_key(file))


def _sets(stack: str, place: str | None) -> "tuple[Sets, timedelta | None]":
    """The sets of a stack, and how old the newest may be; where they are is enough to find them."""
    from terp.environment import read, stack_file
    from terp.environment.stack_file import stack_name
    from terp.recovery.backup import sets_of, settings_of

    if place is not None:
        name = stack_name(Path(stack))
        return sets_of(place, name), None
    file = stack_file(stack)
    settings = settings_of(read(file))
    sets = sets_of(settings.to, stack_name(file), settings.s3)
    return sets, timedelta(minutes=settings.objectives.rpo)


def _described(manifest: "Manifest") -> dict[str, object]:
    return {"name": manifest.name, "size": manifest.size, **manifest.model_dump(mode="json")}


def _list(found: "Sequence[Standing]", age: timedelta | None, promised: timedelta | None) -> None:
    table = Table("set", "of", "objects", "size", "etcd", "", box=None, pad_edge=False)
    for each in found:
        manifest = each.manifest
        cells = (
            (
                ", ".join(manifest.layers),
                str(len(manifest.objects)),
                _bytes(manifest.size),
                str(manifest.etcd_revision or ""),
            )
            if manifest
            else ("", "", "", "")
        )
        table.add_row(each.name, *cells, each.problem, style="bold red" if each.problem else "")
    if found:
        out.print(table)
    if age is None:
        out.print("there is no recovery set that can be used", style="bold red")
    else:
        said = f"the newest is {readable(age.total_seconds())} old"
        late = promised is not None and age > promised
        if promised is not None:
            said += f"; {readable(promised.total_seconds())} are promised"
        out.print(said, style="bold red" if late else "", highlight=False)


def _show(manifest: "Manifest", checks: "Sequence[Check]", *, opened: bool) -> None:
    table = Table("check", "", "", box=None, pad_edge=False)
    for each in checks:
        mark, style = ("wrong", "bold red") if each.problem else ("ok", "")
        table.add_row(each.what, mark, each.problem or each.said, style=style)
    out.print(table)
    wrong = sum(bool(each.problem) for each in checks)
    end = f"{wrong} of {len(checks)} checks say that it is not" if wrong else "it is whole"
    out.print(f"set {manifest.name}: {end}", highlight=False, soft_wrap=True)
    if not opened:
        out.print("its objects were not opened: give a private key with --key", style="yellow")


def _bytes(size: int) -> str:
    unit = next(((each, name) for each, name in UNITS if size >= each), (1, "bytes"))
    return f"{size / unit[0]:.1f} {unit[1]}" if unit[0] > 1 else f"{size} bytes"
