"""`up`, `plan` and `destroy` of one environment, from its file to hosts that answer.

A run that broke off is taken up by the next: a dead run's lock goes, its pending operations are forgotten,
and what it made without Pulumi knowing is removed.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from terp import preflight
from terp.beside import beside
from terp.errors import TerpError
from terp.gitops import rollout
from terp.gitops.rollout import StandingApplication
from terp.kubernetes.installer import gather, has_cluster
from terp.kubernetes.resource import CLUSTER
from terp.kubernetes.unfinished import forget
from terp.openstack.connection import EMBEDDED, boots, connect
from terp.openstack.hosts import Host
from terp.paths import state_dir
from terp.policy.judgement import judge, refuse
from terp.policy.plan import Plan, is_raised
from terp.preflight import Report
from terp.progress import Progress
from terp.stack import owner
from terp.stack.events import Changes
from terp.stack.leftovers import remove_leftovers, stillborn, trace_of
from terp.stack.planned import Planned, planned
from terp.stack.pulumi import UNPROTECTED, EngineError, Pulumi
from terp.stack.reap.model import Thing
from terp.stack.reap.removal import remove, sentences
from terp.stack.reap.survey import Found, survey
from terp.stack.retention import chosen, mark_kept, names_of
from terp.stack.ssh import wait_for_ssh, write_access_files
from terp.stack.withdrawal import withdraw
from terp.stack.workspace import Workspace
from terp.tools import Toolchain, installed, sync

if TYPE_CHECKING:
    from openstack.connection import Connection

TOOLS = "openstack"
PAUSES = (5.0, 15.0)
"""Seconds to wait before a run that failed for a passing reason is gone on with."""

REFRESH = "--refresh"
"""Option of the engine: look first at what the cloud really has."""
NOTHING = Plan(steps=(), raised=False)
"""What is to lose on a stack that never had all of its hosts."""


@dataclass(frozen=True)
class Result:
    """What a run did, and the hosts and Applications that there are now.

    `kept` are volumes that were to stay; `orphans` is what the cluster has made and what does not go.
    """

    changes: Changes
    hosts: tuple[Host, ...] = ()
    report: Report | None = None
    removed: tuple[str, ...] = ()
    applications: tuple[StandingApplication, ...] = ()
    kept: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()


class Deployment:
    """One environment's stack, ready to be worked on.

    Raises:
        TerpError: the environment is not valid, or its cloud is not known (exit code 2); nothing was changed.
    """

    def __init__(self, stack_file: Path, progress: Progress) -> None:
        self.workspace = Workspace(stack_file)
        _ = self.workspace.environment  # refused before anything is done
        self._progress = progress

    @cached_property
    def toolchain(self) -> Toolchain:
        """The tools that this layer takes; installed when they are not there."""
        return sync(TOOLS, self._progress)

    def up(
        self,
        *options: str,
        check: bool = True,
        allow: Collection[str] = (),
        saved: Planned | None = None,
    ) -> Result:
        """Lead the cloud to what the environment says; `options` are further ones of `pulumi up`.

        `allow` are overrides of the gate's rules. `saved` is a plan to carry out as it was seen, with its own
        options and overrides.

        Raises:
            TerpError: a rule objects, or the saved plan is not what would be done now (exit code 2); nothing
                was changed.
        """
        if saved:
            self._refuse_another(saved)
            options, allow = saved.options, saved.allowed
        pulumi = self._pulumi()
        removed = self._take_up(pulumi)
        report = self._checked(pulumi) if check else None
        options = _looking(options, removed is not None)
        try:
            with beside(self._gather):
                foreseen, passing = self._gate(pulumi, options, allow, saved)
                if foreseen and foreseen.settled and REFRESH not in options:
                    changes, swept = foreseen, tuple[str, ...]()
                else:
                    changes, swept = self._through(pulumi, pulumi.up, *passing, *options)
        except EngineError:
            if "hosts" in (outputs := pulumi.outputs()):
                self._write_access_files(outputs)  # they are wanted most when something stands still
            raise
        outputs = self.outputs()
        return Result(
            changes,
            self._write_access_files(outputs),
            report,
            (*(removed or ()), *swept),
            tuple(map(StandingApplication.model_validate, outputs.get("applications", ()))),
        )

    def plan(self, *options: str, check: bool = True, allow: Collection[str] = ()) -> Planned:
        """What `up` would change, and what stands against it; nothing is changed on the cloud."""
        pulumi = self._pulumi()
        report = preflight_report(self.workspace, pulumi, self._progress) if check else None
        raised = is_raised(pulumi.state())
        foreseen = self._preview(pulumi, options)
        return planned(self.workspace, foreseen, raised=raised, options=options, allow=allow, report=report)

    def destroy(self, *options: str, keep_data: Collection[str] = ()) -> Result:
        """Remove everything that the environment has on the cloud, what is protected included.

        What its cluster has made goes first: by the cluster, and what that leaves by its name on the cloud.
        `keep_data` are volumes that stay: `namespace/claim`, or the name or id of a volume.

        Raises:
            TerpError: there is no volume of such a name (exit code 2); nothing was changed.
        """
        pulumi = self._pulumi()
        removed = self._take_up(pulumi)
        with connect(self.workspace.environment.cloud) as cloud:
            kept = chosen(keep_data, self._mine(cloud))
            names = tuple(
                names_of(each.resource)[0] for each in kept
            )  # marking makes the SDK forget the claim
            mark_kept(cloud, kept)
            self._withdraw(cloud, pulumi, frozenset(each.thing.id for each in kept))
            pulumi.unprotect()
            pulumi.retain([each.thing.id for each in kept])
            changes, swept = self._through(pulumi, pulumi.destroy, *options)
            orphans = self._sweep(cloud, lambda _: True)
        pulumi.remove()
        self.workspace.remove()
        return Result(
            changes,
            removed=(*(removed or ()), *swept),
            kept=names,
            orphans=orphans,
        )

    def _withdraw(self, cloud: "Connection", pulumi: Pulumi, kept: Collection[str]) -> None:
        """Have the cluster give back what it has made; balancers that it leaves would hold the networks."""
        kubeconfig = pulumi.outputs().get("kubeconfig")
        if kubeconfig:
            with self._progress.task("what the cluster has made") as task:
                for said in withdraw(kubeconfig, kept, task):
                    task.update(f"left to the cloud: {said}")
        self._sweep(cloud, lambda thing: thing.kind in ("load balancer", "floating IP"))

    def _sweep(self, cloud: "Connection", wanted: Callable[[Thing], bool]) -> tuple[str, ...]:
        """Remove from the cloud what the cluster has made there; returns what does not go."""
        found = [each for each in self._mine(cloud) if each.thing.by_cluster and not each.thing.kept]
        going = [each for each in found if wanted(each.thing)]
        if not going:
            return ()
        with self._progress.task("what the cluster left") as task:
            return tuple(sentences(remove(cloud, going, task).failed))

    def _mine(self, cloud: "Connection") -> list[Found]:
        stack = self.workspace.stack
        return [each for each in survey(cloud, [stack]) if each.thing.stack == stack]

    def wait_for_ssh(self, hosts: Sequence[Host]) -> None:
        """Wait until every host answers SSH and cloud-init has ended there; records never will.

        Raises:
            TerpError: some do not.
        """
        if not boots(self.workspace.environment.cloud):
            return
        with self._progress.task("SSH to the hosts") as task:
            wait_for_ssh(self.workspace, hosts, task)

    def write_access_files(self) -> tuple[Host, ...]:
        """Write what opens hosts and cluster from what they put out; returns the hosts.

        Raises:
            TerpError: the stack has no hosts yet.
        """
        return self._write_access_files(self.outputs())

    def read_cluster(self) -> None:
        """Record what the cluster's hosts say of it now, such as its kubeconfig, and write what opens it."""
        self._pulumi().refresh(self._progress, CLUSTER)
        self.write_access_files()

    def outputs(self) -> dict[str, Any]:
        """What the layers have put out, with secrets in clear: never print it.

        Raises:
            TerpError: the stack has no hosts yet.
        """
        self.workspace.prepare()
        outputs = self._engine().outputs()
        if "hosts" not in outputs:
            stack = self.workspace.stack
            raise TerpError(f"stack {stack} has no hosts yet", hint=f"raise it: terp up {stack}")
        return outputs

    def _write_access_files(self, outputs: Mapping[str, Any]) -> tuple[Host, ...]:
        hosts = tuple(Host.model_validate(host) for host in outputs["hosts"])
        write_access_files(self.workspace, hosts, outputs["private_key"], outputs.get("kubeconfig"))
        return hosts

    def _gather(self) -> None:
        """Bring what later layers take into the cache, while the first one needs none of it."""
        environment = self.workspace.environment
        gather(environment, self._progress)
        if environment.platform and has_cluster(environment):
            sync(rollout.TOOLS, self._progress)

    def _pulumi(self) -> Pulumi:
        self.workspace.prepare()
        pulumi = self._engine()
        pulumi.unlock()
        pulumi.create()
        return pulumi

    def _engine(self) -> Pulumi:
        return Pulumi(self.workspace, self.toolchain)

    def _checked(self, pulumi: Pulumi) -> Report:
        report = preflight_report(self.workspace, pulumi, self._progress)
        report.raise_if_bad()
        return report

    def _gate(
        self, pulumi: Pulumi, options: tuple[str, ...], allow: Collection[str], saved: Planned | None
    ) -> tuple[Changes | None, tuple[str, ...]]:
        """Refuse a plan that destroys; returns what it changes, and what lets through what was allowed.

        The first time there is nothing to lose, and no plan to be made.
        """
        raised = is_raised(pulumi.state())
        if not (saved or raised):
            refuse(judge(NOTHING, self.workspace.environment, allow, self.workspace.config))
            return None, ()
        foreseen = self._preview(pulumi, options)
        now = planned(self.workspace, foreseen, raised=raised, options=options, allow=allow)
        if saved and (differences := list(saved.differences(now))):
            said = "\n".join(differences)
            raise TerpError(
                f"the world has moved on since this plan was made; nothing was changed\n{said}",
                hint="look at it anew: terp plan <stack> --out plan.json",
                exit_code=2,
            )
        refuse(now.findings)
        return foreseen, (UNPROTECTED,) if now.findings else ()

    def _refuse_another(self, saved: Planned) -> None:
        stack = self.workspace.stack
        if saved.stack != stack:
            raise TerpError(
                f"the plan is one of {saved.stack}, not of {stack}; nothing was changed",
                hint=f"terp up {saved.stack} --plan ...",
                exit_code=2,
            )

    def _preview(self, pulumi: Pulumi, options: tuple[str, ...]) -> Changes:
        """What would change; asked again where it failed for a passing reason."""
        for pause in PAUSES:
            try:
                return pulumi.preview(self._progress, *options)
            except EngineError as error:
                if not error.passing:
                    raise
                self._pause(pause)
        return pulumi.preview(self._progress, *options)

    def _pause(self, seconds: float) -> None:
        with self._progress.task("pause: the cloud stumbled", expected=seconds):
            time.sleep(seconds)

    def _through(
        self, pulumi: Pulumi, run: Callable[..., Changes], *options: str
    ) -> tuple[Changes, tuple[str, ...]]:
        """Run the engine, and go on where it failed for a passing reason; returns what was removed for that.

        The provider repeats no request (`terp.openstack.provider`), since only here is known what one left
        whose answer was lost.
        """
        done, removed, pauses = Changes(), tuple[str, ...](), iter(PAUSES)
        while True:
            try:
                with _unfinished(self.workspace):
                    return done.then(run(self._progress, *options)), removed
            except EngineError as error:
                pause = next(pauses, None)
                if pause is None or not error.passing:
                    raise
                done = done.then(error.changes)
                self._pause(pause)
            removed += self._clear(pulumi)
            options = _looking(options, True)

    def _take_up(self, pulumi: Pulumi) -> tuple[str, ...] | None:
        """Clear away what a run that broke off left; None when none did."""
        pending = pulumi.drop_pending()
        if not (pending or self.workspace.unfinished.exists()):
            return None
        return self._clear(pulumi)

    def _clear(self, pulumi: Pulumi) -> tuple[str, ...]:
        """Remove what the unfinished run left that Pulumi does not know, or takes for made when it is not."""
        workspace = self.workspace
        with self._progress.task("leftovers") as task:
            connection = connect(workspace.environment.cloud)
            pulumi.forget(stillborn(connection, pulumi.state()))
            state = pulumi.state()
            trace = trace_of(workspace.stack, workspace.environment, state, _began(workspace.unfinished))
            removed = tuple(remove_leftovers(connection, trace, state, task))
        workspace.unfinished.unlink(missing_ok=True)
        return removed


def forget_embedded() -> None:
    """Forget the stacks of the embedded cloud, which goes."""
    toolchain = installed(TOOLS)
    for folder in sorted((state_dir() / "stacks").glob("*")):
        workspace = Workspace(folder / f"Pulumi.{folder.name}.yaml")
        if _was_on(workspace, EMBEDDED):
            forget_stack(workspace, toolchain)


def forget_stack(workspace: Workspace, toolchain: Toolchain | None) -> None:
    """Forget a stack whose things are gone, or go: its state, and all that this machine keeps of it.

    Raises:
        TerpError: another run has it in its hands.
    """
    if toolchain:
        pulumi = Pulumi(workspace, toolchain, state_only=True)
        pulumi.unlock()
        if pulumi.exists():
            pulumi.remove()
    forget(workspace.stack)
    if workspace.root.exists():
        workspace.remove()
    owner.forget(workspace.stack)


def _was_on(workspace: Workspace, cloud: str) -> bool:
    """Whether the last run was on a cloud; the file may be another by now, or not valid any more."""
    if not workspace.copy.exists():
        return False
    written = yaml.safe_load(workspace.copy.read_text())
    return bool(written["config"]["terp:environment"]["cloud"]["name"] == cloud)


def preflight_report(workspace: Workspace, pulumi: Pulumi, progress: Progress) -> Report:
    """What stands between the environment and its cloud."""
    return preflight.check(workspace.stack, workspace.environment, pulumi.exported(), progress)


@contextmanager
def _unfinished(workspace: Workspace) -> Iterator[None]:
    """Marks that a run has begun; the mark stays when it fails or is killed."""
    workspace.unfinished.write_text(datetime.now(UTC).isoformat())
    yield
    workspace.unfinished.unlink()


def _looking(options: tuple[str, ...], wanted: bool) -> tuple[str, ...]:
    """With a look at what the cloud really has: what failed in the middle is not as the state has it."""
    return (REFRESH, *options) if wanted and REFRESH not in options else options


def _began(mark: Path) -> datetime:
    return datetime.fromisoformat(mark.read_text()) if mark.exists() else datetime.now(UTC)
