"""One smoke test, from a stack of its own to the proof that nothing is left of it."""

import os
import platform
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keystoneauth1.exceptions import ClientException
from kubernetes.client import ApiException
from openstack.exceptions import SDKException
from urllib3.exceptions import HTTPError

from terp.environment.stack_file import stack_name
from terp.errors import TerpError
from terp.kubernetes.acceptance import run as run_checks
from terp.kubernetes.acceptance.api import Api
from terp.kubernetes.acceptance.model import Result
from terp.kubernetes.installer import has_cluster
from terp.kubernetes.unfinished import folder_of
from terp.openstack.connection import connect
from terp.openstack.hosts import Host
from terp.progress import Progress
from terp.smoke.interruption import InterruptedRunError, interruptions
from terp.smoke.model import HostFacts, Log, Outcome, Phase, SmokeReport, facts_of
from terp.stack import owner
from terp.stack.lifetime import ephemeral_name
from terp.stack.pulumi import Pulumi
from terp.stack.reap.reap import Reaper
from terp.stack.reap.survey import survey
from terp.stack.target import target_of
from terp.stack.workflow import Deployment

FAILURES = (TerpError, SDKException, ClientException, ApiException, HTTPError, OSError)
"""What a phase fails with: ours, and those of the SDKs, which say what an API answered."""
SHOWN = 20_000
"""Characters of the end of a log that the report has."""
LOGS = 5
"""Logs of the cluster's last runs that the report has."""
Ground = Callable[[Deployment], None]
"""Raises what the stack stands on: the embedded cloud."""


Step = tuple[str, Callable[[], object]]
"""A phase by its name, and its work."""


class Smoke:
    """One run; a run of the same environment beside it has another name, and so nothing in common with it."""

    base = ""
    """How its name begins; as the environment's when empty."""

    def __init__(self, template: Path, lifetime: timedelta, progress: Progress, ground: Ground) -> None:
        end = datetime.now(UTC) + lifetime + timedelta(minutes=1)  # names tell whole minutes
        self.stack = ephemeral_name(self.base or stack_name(template), end)
        self._template = template
        self._lifetime = lifetime
        self._progress = progress
        self._ground = ground
        self._phases: list[Phase] = []
        self._checks: tuple[Result, ...] = ()
        self._raised: tuple[Host, ...] = ()
        self._hosts: tuple[HostFacts, ...] = ()
        self._logs: tuple[Log, ...] = ()
        self._begun = False
        self._interrupted = False

    def run(self, *, keep_on_failure: bool = False) -> SmokeReport:
        """All phases. What fails or is interrupted is removed, too, unless it is to be kept.

        Raises:
            TerpError: the environment is not right (exit code 2); nothing was begun.
        """
        began, start = datetime.now(UTC), time.monotonic()
        with owner.owned(self.stack) as folder:
            file = folder / f"Pulumi.{self.stack}.yaml"
            file.write_text(self._stack_file(folder))
            try:
                deployment = Deployment(file, self._progress)
            except TerpError:
                owner.forget(self.stack)
                raise
            well = self._work(deployment)
            kept = self._begun and keep_on_failure and not well and not self._interrupted
            if kept:
                owner.keep(self.stack)
            elif self._begun:
                self._removal(deployment)
        if not kept and (not self._begun or self._phases[-1].outcome == "passed"):
            owner.forget(self.stack)
        return SmokeReport(
            stack=self.stack,
            cloud=deployment.workspace.environment.cloud.name,
            began=began,
            seconds=time.monotonic() - start,
            runner=runner(),
            phases=tuple(self._phases),
            checks=self._checks,
            hosts=self._hosts,
            logs=self._logs,
            kept=kept,
            interrupted=self._interrupted,
        )

    def _work(self, deployment: Deployment) -> bool:
        """Raise it and check it; whether all of that went well."""
        try:
            with interruptions(self._lifetime):
                well = all(self._phase(name, work) for name, work in self._steps(deployment))
        except InterruptedRunError as error:
            self._interrupted, well = True, False
            self._note(error.phase or "between phases", "failed", error.message)
        if not well:
            self._logs = logs_of(deployment)
        return well

    def _stack_file(self, folder: Path) -> str:
        """What stands in the stack's file; `folder` is the run's own."""
        return self._template.read_text()

    def _steps(self, deployment: Deployment) -> Iterator[Step]:
        """What is done, one after the other as long as it goes well."""
        yield from self._raising(deployment)
        if has_cluster(deployment.workspace.environment):
            yield "checks", lambda: self._check(deployment)
        else:
            self._note("checks", "not applicable", "there is no cluster")

    def _raising(self, deployment: Deployment) -> Iterator[Step]:
        yield "cloud", lambda: self._ground(deployment)
        yield "up", lambda: self._up(deployment)

    def _up(self, deployment: Deployment) -> None:
        self._begun = True
        self._raised = deployment.up().hosts
        self._hosts = tuple(facts_of(host, None) for host in self._raised)
        deployment.wait_for_ssh(self._raised)

    def _check(self, deployment: Deployment) -> None:
        target = target_of(deployment)
        nodes = node_facts(target.kubeconfig)
        self._hosts = tuple(facts_of(host, nodes.get(host.name)) for host in self._raised)
        report = run_checks(target, self._progress)
        self._checks = report.results
        if report.failed:
            raise TerpError(f"{len(report.failed)} of {len(report.results)} checks failed")

    def _removal(self, deployment: Deployment) -> None:
        """Remove the stack, in need as `terp reap` does, and prove that it is gone."""
        if not self._phase("destroy", deployment.destroy):
            self._phase("reap", lambda: self._reap(deployment))
        self._phase("nothing is left", lambda: self._prove(deployment))

    def _reap(self, deployment: Deployment) -> None:
        reaper = Reaper(deployment.workspace.environment.cloud, self._progress, mine=self.stack)
        found = [each for each in reaper.look(named=[self.stack]) if each.name == self.stack]
        failed = reaper.remove(found).removal.failed
        if failed:
            raise TerpError("\n".join(f"{thing}: {why}" for thing, why in failed))

    def _prove(self, deployment: Deployment) -> None:
        with connect(deployment.workspace.environment.cloud) as cloud:
            left = [str(each.thing) for each in survey(cloud) if each.thing.stack == self.stack]
        if Pulumi(deployment.workspace, deployment.toolchain, state_only=True).exists():
            left.append("the state in Pulumi's backend")
        if deployment.workspace.root.exists():
            left.append(str(deployment.workspace.root))
        if left:
            raise TerpError("left: " + ", ".join(left), hint="terp reap --yes")

    def _phase(self, name: str, work: Callable[[], object]) -> bool:
        """Whether it went well."""
        start = time.monotonic()
        try:
            work()
        except InterruptedRunError as error:
            raise error.within(name) from error
        except FAILURES as error:
            self._note(name, "failed", str(error), time.monotonic() - start)
            return False
        self._note(name, "passed", "", time.monotonic() - start)
        return True

    def _note(self, name: str, outcome: Outcome, said: str, seconds: float = 0.0) -> None:
        self._phases.append(Phase(name=name, outcome=outcome, seconds=round(seconds, 2), said=said))


def runner() -> dict[str, str]:
    """The machine that this runs on."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return {
        "system": system,
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "CPUs": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "load at the end": load,
    }


def node_facts(kubeconfig: str) -> dict[str, dict[str, str]]:
    """What the nodes say of themselves, by name."""
    api = Api(kubeconfig)
    try:
        nodes = api.core.list_node().items
    finally:
        api.close()
    return {
        each.metadata.name: {
            "system": each.status.node_info.os_image,
            "kernel": each.status.node_info.kernel_version,
            "runtime": each.status.node_info.container_runtime_version,
            "kubelet": each.status.node_info.kubelet_version,
            "cpus": each.status.capacity["cpu"],
            "memory": each.status.capacity["memory"],
        }
        for each in nodes
    }


def logs_of(deployment: Deployment) -> tuple[Log, ...]:
    """The ends of Pulumi's log and of the logs of the cluster's last runs, which hold no secrets."""
    runs = sorted((folder_of(deployment.workspace.stack) / "runs").glob("*/log.txt"))
    files = [deployment.workspace.log, *runs[-LOGS:]]
    return tuple(
        Log(name=f"{each.parent.name}/{each.name}", text=each.read_text(errors="replace")[-SHOWN:])
        for each in files
        if each.exists()
    )
