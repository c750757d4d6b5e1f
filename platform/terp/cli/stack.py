"""`terp up`, `plan`, `destroy`, `ssh`, `env`: one environment; `terp down`: this machine."""

import json
import os
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from terp.beside import beside
from terp.cli.cloud import AsJson, hosts_wanted, need_root, progress, the_cloud
from terp.cloud.settings import read_settings
from terp.errors import TerpError
from terp.progress import Progress, readable

if TYPE_CHECKING:  # they come with OpenStack's SDK: a second that other commands save
    from terp.gitops.rollout import StandingApplication
    from terp.preflight import Report
    from terp.stack.events import Changes
    from terp.stack.planned import Planned
    from terp.stack.workflow import Deployment, Result

SANDBOX = "sandbox"
"""The environment of `make up`, on the embedded cloud."""
STYLES = {"refused": "bold red", "allowed": "yellow", "warning": "yellow"}
DONE = {"create": "created", "update": "updated", "delete": "deleted", "replace": "replaced"}
CHANGES = 2
"""Exit code of a plan that would change something, with --detailed-exitcode."""
REFUSED = 3
"""Exit code of a plan that the checks refuse."""

Stack = Annotated[str, typer.Argument(help="An environment: stacks/Pulumi.<stack>.yaml, or a file.")]
Options = Annotated[
    list[str] | None, typer.Argument(help="Further options of pulumi, after --.", show_default=False)
]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", help="Let one thing happen that a rule objects to; as the refusal names it."),
]
Refresh = Annotated[bool, typer.Option("--refresh", help="Look first at what the cloud really has.")]
out = Console()


def up(
    stack: Stack = SANDBOX,
    options: Options = None,
    refresh: Refresh = False,
    allow: Allow = None,
    saved: Annotated[
        Path | None, typer.Option("--plan", help="Carry out a plan that was saved, if it still holds.")
    ] = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Preflight before anything.")] = True,
    hosts: Annotated[
        bool | None, typer.Option("--hosts/--no-hosts", help="Embedded cloud: real hosts (root), or records.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Lead an environment to what its file says, from wherever it is; on the embedded cloud raise that too.

    Exit code 2: the environment or its cloud is not as it must be, or a rule objects to the plan; nothing was
    changed.
    """
    from terp.cloud import lifecycle
    from terp.stack.planned import read_planned

    start = time.monotonic()
    if saved and (allow or options or refresh):
        raise TerpError("a saved plan has its options, --refresh and --allow in it already", exit_code=2)
    to_carry_out = read_planned(saved) if saved else None
    with progress(as_json=as_json) as story, _deployment(stack, story) as deployment:
        cloud = the_cloud() if embedded(deployment) else None
        with_hosts = cloud is not None and hosts_wanted(cloud, hosts, otherwise="scripts/terp up --no-hosts")
        with beside(lambda: deployment.toolchain):
            if cloud:
                lifecycle.up(cloud, read_settings(), story, with_hosts=with_hosts)
        result = deployment.up(
            *_refreshed(refresh), *(options or ()), check=check, allow=allow or (), saved=to_carry_out
        )
        deployment.wait_for_ssh(result.hosts)
    if as_json:
        typer.echo(_machine(result))
    else:
        _summary(result, deployment, time.monotonic() - start)


def plan(
    stack: Stack = SANDBOX,
    options: Options = None,
    refresh: Refresh = False,
    allow: Allow = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Save it, for `up --plan`; it holds no secret.")
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit code 2 when something would change.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What `up` would change on every layer, what is lost by it, and what stands against it.

    Nothing is changed on the cloud. Exit code 3: `up` would refuse.
    """
    from terp.policy.judgement import refused

    with progress(as_json=as_json) as story, _deployment(stack, story) as deployment:
        planned = deployment.plan(*_refreshed(refresh), *(options or ()), allow=allow or ())
    if out_file:
        out_file.write_text(planned.model_dump_json(indent=1) + "\n")
    if as_json:
        typer.echo(planned.model_dump_json())
    else:
        show_plan(planned)
        if planned.preflight:
            _show_report(planned.preflight, deployment)
        show_verdict(planned)
    if refused(planned.findings) or (planned.preflight and planned.preflight.errors):
        raise typer.Exit(REFUSED)
    if detailed_exitcode and planned.steps:
        raise typer.Exit(CHANGES)


def destroy(
    stack: Annotated[str, typer.Argument(help="The environment; there is no default.")],
    options: Options = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    keep_data: Annotated[
        list[str] | None,
        typer.Option(help="A volume that stays: namespace/claim, or the name or id of a volume."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove everything that an environment has on its cloud, its data included unless it is to be kept.

    What the cluster has made goes first: Applications, balancers of Services, volumes of claims.
    Exit code 1 when some of it is left.
    """
    with progress(as_json=as_json) as story, _deployment(stack, story) as deployment:
        name = deployment.workspace.stack
        if not yes:
            kept = f" but {', '.join(keep_data)}" if keep_data else ""
            said = typer.prompt(f"all servers and volumes of {name}{kept} will be lost; its name to go on")
            if said != name:
                raise TerpError(f"{said!r} is not {name!r}: nothing was changed", exit_code=2)
        result = deployment.destroy(*(options or ()), keep_data=keep_data or ())
    if as_json:
        typer.echo(_machine(result))
    else:
        _show_changes(result.changes)
        for kept in result.kept:
            out.print(f"kept: volume {kept}", highlight=False, markup=False, soft_wrap=True)
        for orphan in result.orphans:
            out.print(f"left: {orphan}", highlight=False, markup=False, soft_wrap=True)
    if result.orphans:
        raise typer.Exit(1)


def down(as_json: AsJson = False) -> None:
    """Remove what `up` made on this machine: the embedded cloud with its servers, and their stacks."""
    from terp.cloud import lifecycle
    from terp.stack.workflow import forget_embedded

    cloud = the_cloud()
    if cloud.exists() and cloud.ground.hosts:
        need_root()
    with progress(as_json=as_json) as story:
        forget_embedded()
        lifecycle.reset(cloud, story)


def ssh(
    stack: Stack,
    host: Annotated[str, typer.Argument(help="Name of the host, with or without the stack's name.")],
    command: Annotated[
        list[str] | None, typer.Argument(help="What to run there, after --.", show_default=False)
    ] = None,
) -> None:
    """SSH to a host, through the bastion, with the keys that the cloud's API told. Exit code as ssh's."""
    from terp.stack.ssh import ssh_arguments

    with progress() as story, _deployment(stack, story) as deployment:
        hosts = deployment.write_access_files()
        argv = ssh_arguments(deployment.workspace, host, hosts)
    sys.stdout.flush()
    os.execvp(argv[0], [*argv, *(command or ())])  # noqa: S606 - ssh takes the terminal over


def env(stack: Stack = SANDBOX) -> None:
    """Shell lines for plain pulumi on an environment: eval "$(terp env sandbox)"; pulumi preview."""
    with progress() as story, _deployment(stack, story) as deployment:
        deployment.workspace.prepare()
        variables = deployment.workspace.by_hand(deployment.toolchain)
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def embedded(deployment: "Deployment") -> bool:
    """Whether an environment lives on this machine's embedded cloud."""
    from terp.openstack.connection import is_embedded

    return is_embedded(deployment.workspace.environment.cloud)


def ground(deployment: "Deployment", story: Progress, hosts: bool | None, otherwise: str) -> None:
    """Raise the embedded cloud, if that is where an environment lives; it stays.

    `otherwise` is the command that does without real hosts.
    """
    if not embedded(deployment):
        return
    from terp.cloud import lifecycle

    cloud = the_cloud()
    with_hosts = hosts_wanted(cloud, hosts, otherwise=otherwise)
    lifecycle.up(cloud, read_settings(), story, with_hosts=with_hosts)


@contextmanager
def _deployment(stack: str, story: Progress) -> Iterator["Deployment"]:
    from terp.environment import stack_file
    from terp.stack.workflow import Deployment

    yield Deployment(stack_file(stack), story)


def _refreshed(refresh: bool) -> tuple[str, ...]:
    return ("--refresh",) if refresh else ()


def _machine(result: "Result") -> str:
    """The result as the last of the JSON lines."""
    said = {
        "changes": dict(result.changes.counts),
        "steps": [
            {"operation": operation, "urn": urn, "differ": list(differ)}
            for urn, (operation, differ) in sorted(result.changes.steps.items())
        ],
        "cluster": result.changes.notes,
        "hosts": [host.model_dump(mode="json") for host in result.hosts],
        "applications": [each.model_dump(mode="json") for each in result.applications],
        "findings": [
            finding.model_dump(mode="json") for finding in (result.report.findings if result.report else ())
        ],
        "leftovers_removed": list(result.removed),
        "kept": list(result.kept),
        "orphans": list(result.orphans),
    }
    return json.dumps(said)


def _applications(found: Sequence["StandingApplication"]) -> Table:
    """By waves; what stands in for upstream's says so."""
    table = Table("wave", "application", "version", "health", "after", "", box=None, pad_edge=False)
    for each in found:
        after = readable(each.seconds) if each.seconds is not None else ""
        said = "stand-in" if each.stand_in else ""
        table.add_row(str(each.wave), each.name, each.version, each.health, after, said)
    return table


def _summary(result: "Result", deployment: "Deployment", seconds: float) -> None:
    _show_changes(result.changes)
    for warning in result.report.warnings if result.report else ():
        out.print(f"[yellow]warning:[/] {warning}", highlight=False, soft_wrap=True)
    table = Table("host", "role", "address", "floating IP", box=None, pad_edge=False)
    for host in result.hosts:
        table.add_row(host.name, host.role, str(host.address), str(host.floating_ip or ""))
    out.print(table)
    if result.applications:
        out.print(_applications(result.applications))
    stack = deployment.workspace.stack
    first = result.hosts[0].name.removeprefix(f"{stack}-")
    out.print(f"\nreach one:   scripts/terp ssh {stack} {first}", highlight=False)
    out.print(f"ssh, scp:    ssh -F {deployment.workspace.ssh_config} {result.hosts[0].name}", soft_wrap=True)
    if deployment.workspace.kubeconfig.exists():
        kubeconfig = deployment.workspace.kubeconfig
        out.print(f"kubectl:     kubectl --kubeconfig {kubeconfig} get nodes", soft_wrap=True)
    out.print(f"remove it:   scripts/terp destroy {stack}", highlight=False)
    out.print(f"all together {readable(seconds)}", highlight=False)


def _show_changes(changes: "Changes") -> None:
    from terp.stack.events import lines_of

    table = Table(box=None, pad_edge=False, show_header=False)
    for operation, resource, differ in lines_of(changes):
        table.add_row(DONE.get(operation, operation), resource, differ)
    if table.row_count:
        out.print(table)
    for note in changes.notes:
        _say(f"cluster: {note}")
    counts = ", ".join(f"{number} {what}" for what, number in sorted(changes.counts.items()))
    out.print(f"resources: {counts or 'none'}\n", highlight=False)


def _show_report(report: "Report", deployment: "Deployment") -> None:
    from terp.cli.doctor import show

    show(report, Path(deployment.workspace.stack_file), out)


def show_plan(planned: "Planned") -> None:
    """By layers: resources, runs, Applications; then what is lost and interrupted."""
    from terp.stack.events import is_component

    table = Table(box=None, pad_edge=False, show_header=False)
    for step in (each for each in planned.steps if not is_component(each.urn)):
        forced = f"for {', '.join(step.forced_by)}" if step.forced_by else ", ".join(step.differ)
        table.add_row(f"would be {DONE[step.operation]}", step.resource, forced)
    if table.row_count:
        out.print(table)
    for number, run in enumerate(planned.runs, 1):
        _say(f"cluster: plan {number} of {len(planned.runs)}: {run}")
    for line in planned.applications:
        _say(f"platform: {line}")
    for note in planned.notes:
        _say(f"cluster: {note}")
    counts = Counter(step.operation for step in planned.steps)
    said = [f"{number} {what}" for what, number in sorted(counts.items())]
    _say(f"resources: {', '.join([*said, f'{planned.same} same'])}\n")
    lines = list(planned.radius.lines) if planned.raised else []
    if planned.steps and planned.raised:
        _say("blast radius" if lines else "blast radius: nothing is lost or interrupted\n")
    if lines:
        radius = Table(box=None, pad_edge=False, show_header=False)
        for what, thing in lines:
            radius.add_row(f"  {what}", thing)
        out.print(radius, "")


def show_verdict(planned: "Planned") -> None:
    """What the gate's rules object to."""
    for finding in planned.findings:
        style = STYLES[finding.standing]
        out.print(f"[{style}]{finding.standing}:[/] {escape(str(finding))}", highlight=False, soft_wrap=True)
    stopping = [f"--allow {each.override}" for each in planned.findings if each.standing == "refused"]
    if stopping:
        _say(f"up would refuse; if all of that is meant, once: {' '.join(stopping)}")


def _say(line: str) -> None:
    out.print(line, highlight=False, soft_wrap=True, markup=False)
