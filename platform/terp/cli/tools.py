"""`terp tools`: the programs that Terp drives."""

import json
import os
import shlex
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from terp.paths import cache_dir
from terp.progress import Progress, progress_for
from terp.tools import Toolchain, installed, sync
from terp.tools.store import Installed, Store
from terp.tools.toolchain import tools_dir
from terp.tools.versions import Tool, read_versions, this_platform

app = typer.Typer(help="The programs that Terp drives: pinned, verified, cached.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="For machines: JSON on standard output.")]
Names = Annotated[
    list[str] | None, typer.Argument(help="Tools or purposes; the default purpose without any.")
]
out = Console()
WIDE = 150
"""Columns of a table that a narrow terminal wraps by itself, so that its paths can be copied."""


def _progress(*, as_json: bool) -> Progress:
    return progress_for(Console(stderr=True), cache_dir() / "timings.json", as_json=as_json)


def _there(names: list[str] | None) -> Toolchain:
    """Tools for a command that only looks: installed first when some are missing."""
    wanted = names or [read_versions().default]
    if found := installed(wanted):
        return found
    with _progress(as_json=False) as story:
        return sync(wanted, story)


@app.command("sync")
def sync_tools(
    names: Names = None,
    purpose: Annotated[
        list[str] | None, typer.Option("--for", help="A purpose, e.g. openstack; may be repeated.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every tool that is pinned.")] = False,
    read_files: Annotated[
        bool, typer.Option("--verify", help="Check every installed file against its checksum.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Install what is missing: upstream's release where it can be reached, else a build of the Go module."""
    versions = read_versions()
    wanted = [*(names or []), *(purpose or [])] or [versions.default]
    if everything:
        wanted = [tool.name for tool in versions.everything()]
    with _progress(as_json=as_json) as story:
        toolchain = sync(wanted, story, read_files=read_files)
    if not as_json:
        size, count = decimal(sum(each.size for each in toolchain.tools)), len(toolchain.tools)
        out.print(
            f"{count} tool{'s' * (count != 1)}, {size}, in {toolchain.bin}", highlight=False, soft_wrap=True
        )


@app.command("list")
def list_tools(as_json: AsJson = False) -> None:
    """Every tool: version, where it came from, size, path."""
    store, on = Store(tools_dir()), this_platform()
    rows = [(tool, store.find(tool, on)) for tool in read_versions().everything()]
    if as_json:
        typer.echo(json.dumps([_described(tool, found, store, on) for tool, found in rows], indent=1))
        return
    table = Table(box=None, pad_edge=False)
    for column, side in (("tool", "left"), ("version", "left"), ("source", "left"), ("size", "right")):
        table.add_column(column, justify="right" if side == "right" else "left", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    table.add_column("path", no_wrap=True)
    for tool, found in rows:
        if found:
            path = str(store.directory(found) / found.name)
            took = f"{found.seconds:.0f} s"
            table.add_row(tool.name, tool.version, found.source, decimal(found.size), took, path)
        else:
            table.add_row(tool.name, tool.version, "[dim]not installed[/]", "", "", "")
    Console(width=max(out.width, WIDE)).print(table)


def _described(tool: Tool, found: Installed | None, store: Store, on: str) -> dict[str, object]:
    described: dict[str, object] = {"name": tool.name, "version": tool.version, "installed": bool(found)}
    if release := tool.download(on):
        described["release"] = {"url": release.url, "sha256": release.sha256}
    if found:
        described |= {
            "source": found.source,
            "size": found.size,
            "seconds": found.seconds,
            "cpu_seconds": found.work,
            "directory": str(store.directory(found)),
            "files": {file.name: file.sha256 for file in found.files},
        }
    return described


@app.command("path")
def path(
    program: Annotated[str, typer.Argument(help="A program, e.g. pulumi.")],
    purpose: Annotated[list[str] | None, typer.Option("--for", help="Of these tools.")] = None,
) -> None:
    """Where a program is; its tools are installed first if they are missing."""
    typer.echo(_there(purpose or _owner(program)).path(program))


def _owner(program: str) -> list[str] | None:
    return [program] if any(tool.name == program for tool in read_versions().tools) else None


@app.command("env")
def env(names: Names = None) -> None:
    """Shell lines that put tools on PATH: eval "$(terp tools env)"."""
    toolchain = _there(names)
    for name, value in toolchain.env().items():
        if name == "PATH":
            typer.echo(f'export PATH={shlex.quote(str(toolchain.bin))}{os.pathsep}"$PATH"')
        else:
            typer.echo(f"export {name}={shlex.quote(value)}")


@app.command("prune")
def prune_caches(
    old: Annotated[bool, typer.Option("--old", help="Also tools that no pin leads to any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what only builds need; the tools stay."""
    from terp.tools.prune import prune

    with _progress(as_json=as_json) as story, story.task("prune") as task:
        freed = prune(task.update, old=old)
    if as_json:
        return
    for each in freed:
        out.print(f"{decimal(each.size):>10}  {each.what}", highlight=False)
    out.print(f"{decimal(sum(each.size for each in freed)):>10}  freed in all", highlight=False)
