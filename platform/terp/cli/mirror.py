"""`terp mirror`: what the nodes of an environment fetch, for nodes that do not reach the internet."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from terp.cli.cloud import AsJson, progress
from terp.errors import TerpError
from terp.paths import cache_dir
from terp.progress import Progress

if TYPE_CHECKING:
    from terp.environment import Environment
    from terp.kubernetes.kubespray.downloads import Downloads
    from terp.kubernetes.mirror.mirror import Report

MISSING = 1
"""Exit code of a mirror that lacks something."""
out = Console()
ADDRESS = "address:port"


def mirror(
    stack: Annotated[str, typer.Argument(help="An environment: stacks/Pulumi.<stack>.yaml, or a file.")],
    folder: Annotated[
        Path | None, typer.Option(help="Where it lies; environments may share one.", show_default="the cache")
    ] = None,
    image: Annotated[
        list[Path] | None,
        typer.Option(help="Images that you bring (docker save); may be repeated.", show_default=False),
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Then serve it, at kubernetes.mirror.")] = False,
    at: Annotated[
        str | None, typer.Option(metavar=ADDRESS, help="Serve it there instead.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make or complete the mirror that kubernetes.mirror names: files, images and charts.

    Exit code 1: something could not be had from anywhere; what there is is there.
    """
    from terp.environment import read, stack_file

    environment = read(stack_file(stack))
    root = (folder or cache_dir() / "mirror").absolute()
    where = _where(environment, at) if serve or at else None
    with progress(as_json=as_json) as story:
        report = _fill(environment, stack, root, image or [], story)
    if as_json:
        typer.echo(report.model_dump_json())
    else:
        _show(report)
    if report.of("missing"):
        raise typer.Exit(MISSING)
    if where:
        _serve(root, *where)


def _fill(
    environment: "Environment", stack: str, root: Path, archives: list[Path], story: Progress
) -> "Report":
    from terp.kubernetes.embedded.bundle import bundle, purpose
    from terp.kubernetes.mirror.mirror import Builds, Mirror
    from terp.kubernetes.mirror.recipes import version_built, versions
    from terp.tools import sync
    from terp.tools.versions import read_versions

    version = _version(environment, stack)
    built = version_built(version)
    builds = Builds(
        versions(read_versions().select([purpose(built)])),
        lambda: sync(purpose(built), story),
        lambda: bundle(built, story) / "images",
    )
    wanted = _wanted(environment, stack, version, story)
    return Mirror(root, platform.machine(), builds, story).fill(wanted, archives)


def _version(environment: "Environment", stack: str) -> str:
    """The version of Kubernetes that Kubespray installs.

    Raises:
        TerpError: it installs none.
    """
    from terp.environment.kubernetes import kubernetes_version

    kubernetes = environment.kubernetes
    if kubernetes.installer != "kubespray":
        raise TerpError(
            f"nodes of {stack} fetch nothing: its kubernetes.installer is not kubespray", exit_code=2
        )
    if not (version := kubernetes_version(kubernetes)):
        release = kubernetes.kubespray.version
        raise TerpError(
            f"Terp does not know the default of {release}", hint="kubernetes.version", exit_code=2
        )
    return version


def _wanted(environment: "Environment", stack: str, version: str, story: Progress) -> "Downloads":
    """What nodes would fetch without a mirror."""
    from terp.environment.stack_file import stack_file, stack_name
    from terp.kubernetes.kubespray import installation
    from terp.kubernetes.kubespray.downloads import downloads
    from terp.kubernetes.variables import group_variables

    without = environment.kubernetes.model_copy(update={"mirror": None})
    variables = group_variables(
        environment.model_copy(update={"kubernetes": without}), stack_name(stack_file(stack))
    )
    chosen = without.kubespray
    with story.task(f"kubespray {chosen.version}") as task:
        ready = installation(chosen.version, chosen.source, chosen.commit, task.update)
        task.update("asks what nodes fetch")
        return downloads(ready, version, variables)


def _where(environment: "Environment", at: str | None) -> tuple[str, int]:
    """Where to serve.

    Raises:
        TerpError: nothing says so.
    """
    origin = at or (environment.kubernetes.mirror or "").removeprefix("http://")
    address, colon, port = origin.rpartition(":")
    if not colon or not port.isdigit() or "/" in address:
        raise TerpError(
            "where shall it be served?",
            hint=f"--at {ADDRESS}, or kubernetes.mirror: http://{ADDRESS}",
            exit_code=2,
        )
    return address, int(port)


def _serve(root: Path, address: str, port: int) -> None:
    from terp.kubernetes.mirror.serve import serve

    with serve(root, address, port) as server, _until_interrupted():
        terminal = Console(stderr=True)
        terminal.print(f"serves {root} at http://{address}:{port} (process {os.getpid()}) until Ctrl-C")
        server.serve_forever()


@contextmanager
def _until_interrupted() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        return


def _show(report: "Report") -> None:
    own, missing = report.of("own"), report.of("missing")
    out.print(f"{len(report.of('upstream'))} as upstream has them, {len(own)} not, in {report.folder}")
    if own:
        table = Table("built here, or brought", "place", box=None, pad_edge=False)
        for entry in own:
            table.add_row(entry.name, entry.place)
        out.print(table)
    if missing:
        out.print(f"[bold red]{len(missing)} missing[/]; bring files to their place, images with --image:")
        for entry in missing:
            out.print(f"  {entry.name}", highlight=False)
            for line in (
                f"from   {entry.url}",
                f"place  {report.folder / entry.place}",
                f"why    {entry.why}",
            ):
                out.print(f"    {line}", highlight=False, soft_wrap=True, markup=False)
