"""`terp kubespray`: releases of Kubespray, and their variables."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from terp.cli.cloud import AsJson
from terp.environment.findings import did_you_mean
from terp.environment.kubespray import (
    SOURCE,
    known_commit,
    known_kubernetes,
    known_releases,
    known_variables,
)
from terp.errors import TerpError
from terp.paths import cache_dir
from terp.progress import progress_for

app = typer.Typer(help="Releases of Kubespray: taken, verified, cached.", no_args_is_help=True)
out = Console()
SHOWN = 6
"""Lines of a variable's value."""


@app.command("list")
def list_releases(as_json: AsJson = False) -> None:
    """Releases that Terp knows, and those that were taken from somewhere."""
    from terp.kubernetes.kubespray import trees

    taken = trees()
    releases = sorted({*known_releases(), *(each.version for each in taken)})
    rows = [
        {
            "release": release,
            "commit": known_commit(release),
            "kubernetes": list(known_kubernetes(release)),
            "trees": [each.model_dump(mode="json") for each in taken if each.version == release],
        }
        for release in releases
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table("release", "Kubernetes", "commit", "tree", box=None, pad_edge=False)
    for release in releases:
        versions = known_kubernetes(release)
        offered = f"{versions[-1]} to {versions[0]}" if versions else "?"
        here = [each for each in taken if each.version == release]
        if not here:
            table.add_row(release, offered, (known_commit(release) or "")[:12], "[dim]not here[/]")
        for tree in here:
            table.add_row(release, offered, (tree.commit or "unknown")[:12], str(tree.path))
    Console(width=max(out.width, 150)).print(table)


@app.command("sync")
def sync_release(
    version: Annotated[str, typer.Argument(help="The tag, for example v2.31.0.")],
    source: Annotated[str, typer.Option(help="Git repository, or a folder or archive (.tar.gz).")] = SOURCE,
    commit: Annotated[
        str | None, typer.Option(help="What the tag must stand at; else what Terp knows of it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take a release and install its Ansible, so that a later run needs neither."""
    from terp.kubernetes.kubespray import installation

    here = Path(source).expanduser()
    where = str(here.absolute()) if here.exists() else source
    terminal = Console(stderr=True)
    with (
        progress_for(terminal, cache_dir() / "timings.json", as_json=as_json) as story,
        story.task(f"kubespray {version}") as task,
    ):
        ready = installation(version, where, commit, task.update)
    if not as_json:
        out.print(f"{version} in {ready.playbooks}", highlight=False, soft_wrap=True)


@app.command("vars")
def show_variable(
    name: Annotated[str, typer.Argument(help="A variable, for example kube_network_plugin.")],
    release: Annotated[str, typer.Option(help="Of this release.")] = known_releases()[-1],
    as_json: AsJson = False,
) -> None:
    """Say who sets a variable of Kubespray: a key of the environment, or defaults of a tree that is here."""
    from terp.environment.rules.variables import NO_KEY, OWN
    from terp.kubernetes.kubespray import trees
    from terp.kubernetes.kubespray.variables import definitions

    tree = next((each.path for each in trees() if each.version == release), None)
    known = known_variables(release)
    found = definitions(tree, name) if tree else ()
    if known is None and tree is None:
        raise TerpError(
            f"Terp does not know {release}", hint=did_you_mean(release, known_releases()), exit_code=2
        )
    if not found and name not in (known or ()):
        hint = did_you_mean(name, known) if known else ""
        raise TerpError(f"Kubespray {release} has no variable {name}", hint=hint, exit_code=2)
    key = OWN.get(name)
    if as_json:
        shown = [each.model_dump() for each in found]
        typer.echo(json.dumps({"name": name, "release": release, "key": key, "definitions": shown}, indent=1))
        return
    if key is not None:
        who = "Terp alone sets it" if key == NO_KEY else f"set by {key}"
    else:
        who = "fixed by roles" if found and all(each.fixed for each in found) else "free: kubernetes.vars"
    typer.echo(f"{name}: {who}")
    for each in found:
        lines = each.text.splitlines() or ['""']
        typer.echo(f"  {each.file}:{each.line}{' (fixed)' if each.fixed else ''}")
        typer.echo("\n".join(f"    {line}" for line in lines[:SHOWN]))
        if len(lines) > SHOWN:
            typer.echo(f"    … {len(lines) - SHOWN} more lines")
    if not tree:
        typer.echo(f"  its defaults: terp kubespray sync {release}")
