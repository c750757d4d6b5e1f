"""`terp gitops`: what is deployed on the cluster, and in which order."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from terp.cli.cloud import AsJson, progress
from terp.environment import read, stack_file
from terp.environment.stack_file import stack_name
from terp.errors import TerpError

if TYPE_CHECKING:  # the catalogue: half a second that other commands save
    from terp.environment.platform import Platform
    from terp.gitops.catalogue import Catalogue
    from terp.gitops.graph import Graph
    from terp.gitops.rendering import Rendered

app = typer.Typer(help="The platform on the cluster: its components, and their order.", no_args_is_help=True)
out = Console()


@app.command()
def components(
    stack: Annotated[
        str | None, typer.Argument(help="An environment, or a file; without one, all that there are.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List components: version, layer, what they need, and in which wave they come."""
    from terp.gitops.reading import read_catalogue

    catalogue = read_catalogue()
    graph = _graph(catalogue, _platform(stack)) if stack else None
    names = [name for wave in graph.waves for name in wave] if graph else list(catalogue.components)
    rows = [_row(name, catalogue, graph) for name in names]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    shown = [*(["wave"] if graph else []), "component", "version", "layer", "needs", "profiles"]
    table = Table(*shown, box=None, pad_edge=False)
    for row in rows:
        cells = (row[column] for column in shown)
        table.add_row(*(", ".join(cell) if isinstance(cell, list) else str(cell) for cell in cells))
    Console(width=max(out.width, 150)).print(table)
    if stack:
        typer.echo(_total(stack, catalogue))
    for row in rows:
        if row["warning"]:
            typer.echo(f"{row['component']}: {row['warning']}")


@app.command("graph")
def draw(
    stack: Annotated[str, typer.Argument(help="An environment, for example production; or a file.")],
    form: Annotated[
        Literal["mermaid", "svg"], typer.Option("--format", help="For Markdown, or for a browser.")
    ] = "mermaid",
    output: Annotated[Path | None, typer.Option(help="File to write; standard output when absent.")] = None,
) -> None:
    """Draw in which order the components of an environment come; the critical path is heavy."""
    from terp.gitops import drawing
    from terp.gitops.reading import read_catalogue

    graph = _graph(read_catalogue(), _platform(stack))
    text = drawing.svg(graph) if form == "svg" else drawing.mermaid(graph)
    if output:
        output.write_text(text)
    else:
        typer.echo(text, nl=False)


@app.command()
def render(
    stack: Annotated[str, typer.Argument(help="An environment, for example production; or a file.")],
    component: Annotated[str | None, typer.Argument(help="One alone; platform is the root.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for a file of each; standard output when absent.")
    ] = None,
    charts: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            resolve_path=True,
            help="Folder with charts and repositories of others, in the place of their addresses.",
        ),
    ] = None,
) -> None:
    """Render what Argo CD would apply, with the same Helm and kustomize; our own repository is the work tree.

    Exit code 1: something could not be rendered, or not be had; the rest is there.
    """
    from terp.environment.kubernetes import kubernetes_version
    from terp.gitops.reading import read_catalogue
    from terp.gitops.rendering import cluster_of, rendered, renderer
    from terp.gitops.root import root_values
    from terp.gitops.selection import select
    from terp.tools import sync

    platform, catalogue = _platform(stack), read_catalogue()
    values = root_values(stack_name(stack_file(stack)), platform, catalogue)
    version = kubernetes_version(read(stack_file(stack)).kubernetes)
    cluster = cluster_of(version, select(catalogue, platform).components.values())
    failed = []
    with progress() as story:
        tools, own = sync("gitops", story), platform.git.repository
        with story.task("render") as task, renderer(tools, cluster, own, charts) as programs:
            for share, each in rendered(programs, values, component):
                task.update(each.name, share)
                if each.error:
                    failed.append(f"{each.name}: {each.error}")
                else:
                    _hand_over(each, output)
    if failed:
        raise TerpError("\n".join([f"{len(failed)} could not be rendered", *failed]))


def _hand_over(found: "Rendered", folder: Path | None) -> None:
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{found.name}.yaml").write_text(found.text)
    else:
        typer.echo(f"---\n{found.text.rstrip()}")


def _platform(stack: str) -> "Platform":
    file = stack_file(stack)
    platform = read(file).platform
    if platform is None:
        hint = "what it may say: terp explain platform"
        raise TerpError(f"{stack_name(file)} has no platform", hint=hint, exit_code=2)
    return platform


def _graph(catalogue: "Catalogue", platform: "Platform") -> "Graph":
    from terp.gitops.graph import graph
    from terp.gitops.selection import select

    return graph(select(catalogue, platform).needs)


def _total(stack: str, catalogue: "Catalogue") -> str:
    """What all of them request together."""
    from terp.environment.quantities import gibibytes
    from terp.gitops.facts import facts_of
    from terp.gitops.footprint import footprint, unknown
    from terp.gitops.selection import select

    platform = _platform(stack)
    selected = select(catalogue, platform)
    found = footprint(selected, facts_of(stack, platform).replicas)
    volumes = f"{gibibytes(found.memory)} of memory and {gibibytes(found.storage)} on volumes"
    said = f"They request at least {found.cpu / 1000:.1f} CPU, {volumes}."
    names = ", ".join(unknown(selected))
    return f"{said} Not known: what {names} request." if names else said


def _row(name: str, catalogue: "Catalogue", graph: "Graph | None") -> dict[str, object]:
    component = catalogue.components[name]
    return {
        "component": name,
        "description": component.description,
        "version": catalogue.version(name),
        "licence": component.licence,
        "status": component.status,
        "warning": component.warning,
        "layer": component.layer,
        "namespace": component.namespace,
        "needs": list(graph.needs[name] if graph else component.needs),
        "provides": list(component.provides),
        "profiles": list(component.profiles),
        **({"wave": graph.wave(name)} if graph else {}),
    }
