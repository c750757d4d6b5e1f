"""`terp gitops`: what is deployed on the cluster, and in which order."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from terp.cli.cloud import AsJson, progress
from terp.environment import stack_file
from terp.errors import TerpError
from terp.paths import PROJECT
from terp.progress import Progress

if TYPE_CHECKING:  # the catalogue: half a second that other commands save
    from terp.gitops.catalogue import Catalogue
    from terp.gitops.difference import Difference, Side
    from terp.gitops.graph import Graph
    from terp.gitops.intent import Intent
    from terp.gitops.judgement import Judgement
    from terp.gitops.lock import ChartLock, ImageLock
    from terp.gitops.references.things import Manifest
    from terp.gitops.rendering import Rendered

Stack = Annotated[str, typer.Argument(help="An environment, for example production; or a file.")]
Charts = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        resolve_path=True,
        help="Folder with charts and repositories of others, in the place of their addresses.",
    ),
]
CLUSTER = "cluster"
DIFFERENT, TROUBLE = 1, 2
"""Exit codes of `diff`, as those of diff(1)."""
SIGNS = {"added": "+", "removed": "-", "changed": "~"}
COLOURS = {"+": "green", "-": "red", "@": "cyan"}
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
    graph = _intent(stack).graph if stack else None
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
        typer.echo(_total(_intent(stack)))
    for row in rows:
        if row["warning"]:
            typer.echo(f"{row['component']}: {row['warning']}")


@app.command("graph")
def draw(
    stack: Stack,
    form: Annotated[
        Literal["mermaid", "svg"], typer.Option("--format", help="For Markdown, or for a browser.")
    ] = "mermaid",
    output: Annotated[Path | None, typer.Option(help="File to write; standard output when absent.")] = None,
) -> None:
    """Draw in which order the components of an environment come; the critical path is heavy."""
    from terp.gitops import drawing

    graph = _intent(stack).graph
    text = drawing.svg(graph) if form == "svg" else drawing.mermaid(graph)
    if output:
        output.write_text(text)
    else:
        typer.echo(text, nl=False)


@app.command()
def render(
    stack: Stack,
    component: Annotated[str | None, typer.Argument(help="One alone; platform is the root.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for a file of each; standard output when absent.")
    ] = None,
    charts: Charts = None,
) -> None:
    """Render what Argo CD would apply, with the same Helm and kustomize; our own repository is the work tree.

    Exit code 1: something could not be rendered, or not be had; the rest is there.
    """
    with progress() as story:
        failed = []
        for each in _rendered(_to_render(stack_file(stack), charts), story, charts, component):
            if each.error:
                failed.append(f"{each.name}: {each.error}")
            else:
                _hand_over(each, output)
    if failed:
        raise TerpError("\n".join([f"{len(failed)} could not be rendered", *failed]))


@app.command()
def diff(
    stack: Stack,
    component: Annotated[str | None, typer.Argument(help="One alone; platform is the root.")] = None,
    against: Annotated[
        str,
        typer.Option(metavar="REVISION|cluster", help="A revision of the repository, or what runs."),
    ] = "HEAD",
    charts: Charts = None,
    as_json: AsJson = False,
) -> None:
    """Show what would change if what the work tree says were deployed: versions, waves, objects.

    Secrets stay secret. Exit codes are those of diff: 0 no difference, 1 differences, 2 not all is compared.
    """
    with _trouble(), progress() as story:
        found = _difference(stack, component, against, story, charts)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        _show_difference(found)
    if found.failed:
        raise typer.Exit(TROUBLE)
    if found.components:
        raise typer.Exit(DIFFERENT)


@app.command()
def images(stack: Stack, charts: Charts = None, as_json: AsJson = False) -> None:
    """List every image that the rendered manifests name, with tag and digest.

    Exit code 1: something could not be rendered, so that its images are not listed.
    """
    from terp.gitops import lock

    wanted = _to_render(stack_file(stack), charts)
    with progress() as story:
        manifests, failed = _manifests(wanted, story, charts)
    of_components = {name: found for name, found in manifests.items() if name in wanted.components}
    found = lock.images(wanted.stack, of_components, wanted.catalogue, failed)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        _show_images(found)
    if failed:
        raise typer.Exit(1)


@app.command("charts")
def charts_of(stack: Stack, as_json: AsJson = False) -> None:
    """List every chart and git repository of others that an environment is made from: digests, commits."""
    from terp.gitops import lock

    found = lock.charts(_intent(stack))
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        _show_charts(found)


@app.command()
def check(stack: Stack, charts: Charts = None, as_json: AsJson = False) -> None:
    """Check what is rendered: is what it refers to there in time, and is each object as its kind wants it.

    Exit code 1: something is wrong, or could not be rendered.
    """
    from terp.gitops.judgement import judgement
    from terp.gitops.validation import schemas_of

    wanted = _to_render(stack_file(stack), charts)
    with progress() as story:
        with story.task("schemas") as task:
            kubernetes = schemas_of(wanted.kubernetes, task)
        manifests, failed = _manifests(wanted, story, charts)
        with story.task("check"):
            found = judgement(wanted, manifests, failed, kubernetes)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        _show_judgement(found)
    if not found.well:
        raise typer.Exit(1)


@app.command()
def publish(
    stack: Stack,
    to: Annotated[str, typer.Option(metavar="REPOSITORY", help="Git repository: an address or a path.")],
    branch: Annotated[
        str | None, typer.Option(help="Its branch.", show_default="the revision of the environment")
    ] = None,
    dirty: Annotated[bool, typer.Option("--dirty", help="Also what is not committed.")] = False,
) -> None:
    """Push what Argo CD reads, charts/ and kustomize/, as one commit; nothing when nothing has changed.

    What else the branch has stays. Credentials are git's; nothing is ever forced.
    """
    from terp.gitops import publishing

    wanted = _intent(stack)
    name = branch or wanted.platform.git.revision
    done = publishing.publish(wanted.stack, to, name, dirty=dirty)
    typer.echo(f"{'pushed' if done.new else 'nothing has changed since'} {done.commit[:12]} on {name}")


@contextmanager
def _trouble() -> Iterator[None]:
    """An error is no difference: exit code 2."""
    try:
        yield
    except TerpError as error:
        error.exit_code = TROUBLE
        raise


def _difference(
    stack: str, component: str | None, against: str, story: Progress, charts: Path | None
) -> "Difference":
    from terp.gitops.difference import difference, tree_of

    file = stack_file(stack)
    wanted = _to_render(file, charts)
    if against == CLUSTER:
        return _against_cluster(wanted, component, file, story, charts)
    after = _side(wanted, story, charts, component)
    with tree_of(against) as tree, TemporaryDirectory() as folder:
        of_then = _in_tree(file, tree)
        before_intent = _to_render(of_then, charts, tree, Path(folder))
        there = component if component in (*before_intent.values.applications, None, "platform") else ""
        before = _side(before_intent, story, charts, there)
        return difference(wanted.stack, against, before, after, component)


def _in_tree(file: Path, tree: Path) -> Path:
    """The environment as the revision has it; a file that it has not is taken as it is now."""
    ours = file.resolve()
    then = tree / ours.relative_to(PROJECT) if ours.is_relative_to(PROJECT) else ours
    return then if then.exists() else file


def _against_cluster(
    wanted: "Intent", component: str | None, file: Path, story: Progress, charts: Path | None
) -> "Difference":
    from terp.gitops.application import NAMESPACE, ROOT
    from terp.gitops.difference import difference
    from terp.gitops.difference.live import Live
    from terp.kubernetes.acceptance.api import Api
    from terp.stack.workflow import Deployment

    kubeconfig = Deployment(file, story).outputs().get("kubeconfig")
    if not kubeconfig:
        hint = f"raise it: terp up {wanted.stack}"
        raise TerpError(f"stack {wanted.stack} has no cluster", hint=hint)
    namespaces = {name: each.namespace for name, each in wanted.components.items()}
    after = _side(wanted, story, charts, component)
    with closing(Api(kubeconfig)) as api, story.task("cluster") as task:
        live = Live(api.answer)
        there, then, refused = live.against(after, {**namespaces, ROOT: NAMESPACE}, task.update)
    return difference(wanted.stack, CLUSTER, there, then, component, refused)


def _side(wanted: "Intent", story: Progress, charts: Path | None, component: str | None) -> "Side":
    from terp.gitops.application import NAMESPACE
    from terp.gitops.difference.compare import side

    manifests, failed = _manifests(wanted, story, charts, component)
    return side(wanted.values, manifests, failed, NAMESPACE)


def _manifests(
    wanted: "Intent", story: Progress, charts: Path | None, component: str | None = None
) -> tuple[dict[str, "list[Manifest]"], dict[str, str]]:
    """By component what is rendered, and why what is not."""
    manifests, failed = dict[str, "list[Manifest]"](), dict[str, str]()
    if component == "":
        return manifests, failed
    for each in _rendered(wanted, story, charts, component):
        if each.error:
            failed[each.name] = each.error.message
        else:
            manifests[each.name] = each.objects
    return manifests, failed


def _rendered(
    wanted: "Intent", story: Progress, charts: Path | None, component: str | None = None
) -> "Iterator[Rendered]":
    from terp.gitops.rendering import rendered, renderer
    from terp.tools import sync

    tools = sync("gitops", story)
    with story.task("render") as task, renderer(tools, wanted, charts) as programs:
        for share, each in rendered(programs, wanted.values, component):
            task.update(each.name, share)
            yield each


def _hand_over(found: "Rendered", folder: Path | None) -> None:
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{found.name}.yaml").write_text(found.text)
    else:
        typer.echo(f"---\n{found.text.rstrip()}")


def _show_difference(found: "Difference") -> None:
    for component in found.components:
        said = [f"{component.component}: {component.how}"]
        if component.version:
            said.append(f"version {component.version.before} -> {component.version.after}")
        if component.wave:
            said.append(f"wave {component.wave.before} -> {component.wave.after}")
        out.print(Text(", ".join(said), "bold"))
        for each in component.objects:
            out.print(Text(f"  {SIGNS[each.how]} {each.kind} {each.namespace}/{each.name}"))
            for line in each.diff.splitlines() if each.how == "changed" else ():
                out.print(Text(f"      {line}", COLOURS.get(line[:1], "")), soft_wrap=True)
    _show_failed(found.failed)
    counts = ", ".join(f"{found.count(how)} {how}" for how in ("added", "changed", "removed"))
    typer.echo(f"against {found.against}: {len(found.components)} components differ; objects: {counts}")


def _show_images(found: "ImageLock") -> None:
    table = Table("image", "tag", "digest", "components", box=None, pad_edge=False)
    for each in found.images:
        cells = (each.repository, each.tag or "-", each.digest or "-", ", ".join(each.components))
        table.add_row(*map(Text, cells))
    Console(width=max(out.width, 200)).print(table)
    for each in found.images:
        if each.undeclared:
            typer.echo(f"not declared: {each.repository} ({', '.join(each.undeclared)})")
    for name, repositories in found.unseen.items():
        typer.echo(f"declared and not rendered: {', '.join(repositories)} ({name})")
    _show_failed(found.failed)


def _show_charts(found: "ChartLock") -> None:
    table = Table("chart or repository", "from", "version", "digest or commit", box=None, pad_edge=False)
    for chart in found.charts:
        table.add_row(*map(Text, (chart.chart, chart.repository, chart.version, chart.digest or "-")))
    for each in found.repositories:
        table.add_row(*map(Text, (", ".join(each.paths), each.repository, each.version, each.commit)))
    Console(width=max(out.width, 200)).print(table)


def _show_judgement(found: "Judgement") -> None:
    for each in (*found.missing, *found.flaws, *found.undrained):
        typer.echo(str(each))
    for one in found.unread:
        typer.echo(f"not looked at: {one.kind} ({one.component}): no schema of it is rendered")
    _show_failed(found.failed)
    mistakes = f"{len(found.missing)} references, {len(found.flaws)} fields, {len(found.undrained)} budgets"
    typer.echo(f"{found.objects} objects, Kubernetes {found.kubernetes}: wrong are {mistakes}")


def _show_failed(failed: dict[str, str]) -> None:
    for name, why in failed.items():
        typer.echo(f"{name}: {why}", err=True)


def _intent(stack: str) -> "Intent":
    from terp.gitops.intent import intent

    return intent(stack_file(stack))


def _to_render(file: Path, charts: Path | None, tree: Path = PROJECT, folder: Path | None = None) -> "Intent":
    """With stand-ins where the environment asks for them and no other charts are given."""
    from terp.gitops.intent import intent, intent_to_render

    return intent(file, tree) if charts else intent_to_render(file, tree, folder)


def _total(intent: "Intent") -> str:
    """What all of them request together."""
    from terp.environment.quantities import gibibytes
    from terp.gitops.facts import facts_of
    from terp.gitops.footprint import footprint, unknown
    from terp.gitops.selection import select

    selected = select(intent.catalogue, intent.platform)
    found = footprint(selected, facts_of(intent.stack, intent.platform).replicas)
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
