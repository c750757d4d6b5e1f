"""What carries out the runs of a plan: playbooks through the runner, and three small things over SSH."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import JsonValue

from terp.beside import beside
from terp.command import CommandError
from terp.errors import TerpError
from terp.kubernetes import errands
from terp.kubernetes.life import Ended, Wanted
from terp.kubernetes.model import Installer, Node, Run
from terp.kubernetes.restoration import VARIABLE, restoration
from terp.kubernetes.runner import Access, Failure, History, Installation, Moment, Runner, RunRecord
from terp.kubernetes.runner.lock import held, now
from terp.kubernetes.runner.mitogen import with_mitogen
from terp.kubernetes.runner.record import hosts_of
from terp.kubernetes.shell import Shell, UnreachableError, shell
from terp.kubernetes.unfinished import folder_of
from terp.masking import Mask
from terp.progress import readable
from terp.provider.resource import Sayings
from terp.provider.told import told

Install = Callable[[Run, Wanted, Sayings], Installation]
Errand = Callable[[Shell, Node, Run], str]


def _kubespray(run: Run, wanted: Wanted, say: Sayings) -> Installation:
    """The release that the run is for; only that which is wanted in the end has a known commit."""
    from terp.kubernetes.kubespray import installation, tuned

    commit = wanted.commit if run.installer_version == wanted.installer_version else None
    ready = installation(run.installer_version, wanted.source, commit, say.progress)
    ready = tuned(ready, run, wanted.variables, say.progress)
    return with_mitogen(ready, say.progress) if wanted.mitogen else ready


def _embedded(run: Run, wanted: Wanted, say: Sayings) -> Installation:
    from terp.kubernetes.embedded import installation

    platform = bool(wanted.variables.get("platform_images"))
    with told(say) as progress:
        return installation(run.kubernetes_version, progress, platform=platform)


CREATION = "cluster.yml"
POLL = 0.2
"""Seconds between two looks at whether the installer is there, and whether it is waited for still."""
INSTALLERS: Mapping[Installer, Install] = {"kubespray": _kubespray, "embedded": _embedded}
ERRANDS: Mapping[str, Errand] = {
    "labels": errands.label,
    "snapshot": errands.snapshot,
    "cluster-info": errands.tell_new_nodes,
}
"""What is done over SSH, by the kind of a run."""


class Execution:
    """Carries out runs; all that a cluster's runs leave is in its folder on this machine."""

    def __init__(
        self,
        installers: Mapping[Installer, Install] = INSTALLERS,
        folder: Callable[[str], Path] = folder_of,
    ) -> None:
        self._installers = installers
        self._folder = folder

    def estimate(self, run: Run, wanted: Wanted) -> str:
        """How long it will take: `about 4 m 10 s`; empty when no earlier run says."""
        estimate = History(self._folder(wanted.name)).estimate(run, wanted.installer)
        return f"about {readable(estimate.seconds)}" if estimate else ""

    def execute(self, run: Run, wanted: Wanted, say: Sayings, stop: threading.Event) -> Ended:
        """Run to the end, or until `stop`.

        Raises:
            TerpError: another run has the cluster, or its installer cannot be had.
        """
        record = (
            self._play(run, wanted, say, stop) if run.kind == "playbook" else self._errand(run, wanted, say)
        )
        say.say(_sentence(record))
        return _ended(record)

    def _play(self, run: Run, wanted: Wanted, say: Sayings, stop: threading.Event) -> RunRecord:
        installation = self._installation(run, wanted, say, stop)
        runner = Runner(self._folder(wanted.name), installation, Access(wanted.private_key, wanted.jump))
        with_all = run.model_copy(
            update={
                "variables": {**wanted.run_variables, **run.variables, **_restoration(run, wanted, say)},
                "skip_tags": (*wanted.skip_tags, *run.skip_tags),
            }
        )

        def listen(moment: Moment) -> None:
            if moment.note:
                say.warn(moment.note)
            say.progress(moment.sentence)

        return runner.run(with_all, wanted.variables, wanted.secrets, listen, stop)

    def _installation(self, run: Run, wanted: Wanted, say: Sayings, stop: threading.Event) -> Installation:
        """The installer, which may have to be built first."""
        with beside(lambda: self._installers[wanted.installer](run, wanted, say)) as ready:
            while not ready.done():
                if stop.wait(POLL):
                    raise TerpError(f"stopped before {run.playbook}: its installer was not there yet")
        return ready.result()

    def _errand(self, run: Run, wanted: Wanted, say: Sayings) -> RunRecord:
        """Something over SSH, on the first of its nodes that answers."""
        folder = self._folder(wanted.name)
        mask = Mask((*wanted.secrets.values(), wanted.private_key))
        started, began = now(), time.monotonic()
        with held(folder, run.kind), shell(run.nodes, wanted.jump, wanted.private_key) as on:
            failure: Failure | None = None
            try:
                say.say(mask(_first_that_answers(on, run, ERRANDS[run.kind])))
            except CommandError as error:
                failure = Failure(host="", task=run.kind, message=mask(error.output.strip() or error.message))
            except TerpError as error:
                failure = Failure(host="", task=run.kind, message=mask(error.message), remedy=error.hint)
            record = RunRecord(
                playbook=run.kind,
                installer_version=run.installer_version,
                reason=run.reason,
                started=started,
                seconds=round(time.monotonic() - began, 1),
                result="failed" if failure else "ok",
                number_of_hosts=hosts_of(run),
                tasks=1,
                failure=failure,
            )
            History(folder).add(record)
        return record


def _restoration(run: Run, wanted: Wanted, say: Sayings) -> dict[str, JsonValue]:
    """What tells the installer to begin the cluster with what a lost one had, where it is to."""
    folder = restoration(wanted.name)
    if run.playbook != CREATION or folder is None:
        return {}
    say.say("the cluster begins with the keys and the snapshot of the lost one, unless it has begun already")
    return {VARIABLE: str(folder)}


def _first_that_answers(on: Shell, run: Run, errand: Errand) -> str:
    """What an errand says on the first of its nodes that answers.

    Raises:
        TerpError: none does, or it failed there.
    """
    silent: UnreachableError | None = None
    for node in errands.candidates(run):
        try:
            return errand(on, node, run)
        except UnreachableError as error:
            silent = error
    raise silent or TerpError(f"no node for {run.kind}")


def _sentence(record: RunRecord) -> str:
    """A run that has ended, as a person reads it."""
    slowest = ", ".join(f"{each.name} ({readable(each.seconds)})" for each in record.slowest_tasks[:3])
    parts = [
        f"{record.playbook} {record.result} after {readable(record.seconds)}",
        f"{record.changed} changed on {len(record.hosts)} hosts" if record.hosts else "",
        f"slowest: {slowest}" if slowest else "",
        f"log: {record.log}" if record.log else "",
    ]
    return "; ".join(part for part in parts if part)


def _ended(record: RunRecord) -> Ended:
    """What goes into the cluster's state; the runner's own history has more."""
    plain = record.model_dump(mode="json", exclude={"hosts", "course"}, exclude_none=True)
    if record.result == "ok":
        return Ended(plain)
    failure = record.failure
    if failure is None:
        return Ended(plain, record.result)
    place = [failure.host, failure.task, failure.message]
    said = ": ".join(part for part in place if part) + (f"\n{failure.file}" if failure.file else "")
    return Ended(plain, said, failure.remedy or (f"see {record.log}" if record.log else ""))
