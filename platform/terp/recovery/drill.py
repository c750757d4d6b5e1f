"""The rehearsal: an environment is lost with all that this machine knows of it, and made anew from a set."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import yaml

from terp.environment.stack_file import WAY
from terp.errors import TerpError
from terp.kubernetes.acceptance.api import Api
from terp.kubernetes.installer import has_cluster
from terp.openstack.connection import connect
from terp.progress import Progress
from terp.recovery.age import new_key, read_keys
from terp.recovery.backup import backup, sets_of
from terp.recovery.drilled import Drilled, DrillReport
from terp.recovery.rebuild import Rebuild
from terp.recovery.seeds import VOLUME, Seeds
from terp.smoke.smoke import Ground, Smoke, Step
from terp.stack.reap.survey import survey
from terp.stack.retention import mark_in_use
from terp.stack.workflow import Deployment

T = TypeVar("T")
KEY, SETS = "recovery.key", "sets"


class Drill(Smoke):
    """A smoke test whose environment is lost and rebuilt instead of checked.

    It has a name and a lifetime of its own, so that it can be run beside anything. Its sets are its own, too.
    """

    base = "drill"

    def __init__(self, template: Path, lifetime: timedelta, progress: Progress, ground: Ground) -> None:
        super().__init__(template, lifetime, progress, ground)
        self._folder = Path()
        self._created = self._lost = datetime.now(UTC)
        self._drilled: Drilled | None = None

    def run(self, *, keep_on_failure: bool = False) -> DrillReport:
        """As a smoke test; with what was recovered, and when, if it came to that."""
        report = super().run(keep_on_failure=keep_on_failure)
        return DrillReport(**dict(report), drilled=self._drilled)

    def _stack_file(self, folder: Path) -> str:
        """The template's, with recovery sets in the run's own folder."""
        self._folder = folder
        (folder / SETS).mkdir()
        document = yaml.safe_load(super()._stack_file(folder))
        environment = document[WAY[0]][WAY[1]]
        environment["recovery"] = {
            **environment.get("recovery", {}),
            "to": str(folder / SETS),
            "recipients": [new_key(folder / KEY)],
        }
        return yaml.safe_dump(document, sort_keys=False)

    def _steps(self, deployment: Deployment) -> Iterator[Step]:
        yield from self._raising(deployment)
        openstack = deployment.workspace.environment.kubernetes.openstack
        seeds = Seeds(volume=bool(openstack and openstack.cinder_csi))
        yield "seed", lambda: _do(deployment, seeds.plant)
        yield "back up", lambda: self._back_up(deployment)
        yield "seed again", lambda: _do(deployment, seeds.plant_late)
        yield "lose everything", lambda: self._lose(deployment, seeds)
        sets = sets_of(str(self._folder / SETS), self.stack)
        keys = read_keys(self._folder / KEY)
        rebuild = Rebuild(str(deployment.workspace.stack_file), sets, keys, self._progress, self._ground)
        yield from rebuild.phases()
        yield "look for the seeds", lambda: self._look(deployment, seeds, rebuild)
        yield "objectives", lambda: self._judge(deployment)

    def _up(self, deployment: Deployment) -> None:
        """With a passphrase that is lost with the environment."""
        if not has_cluster(deployment.workspace.environment):
            raise TerpError(
                "the environment's hosts become no cluster: there would be nothing to recover",
                hint="see kubernetes.installer in its file; on the embedded cloud, is it one of records?",
            )
        deployment.workspace.bring_passphrase(secrets.token_urlsafe(32))
        super()._up(deployment)

    def _removal(self, deployment: Deployment) -> None:
        """With the kept volume, also where no rebuild took it back."""
        if self._drilled is None:
            self._phase("let go of what was kept", lambda: _let_go(deployment))
        super()._removal(deployment)

    def _back_up(self, deployment: Deployment) -> None:
        self._created = backup(deployment.workspace, deployment.toolchain, self._progress).manifest.created

    def _lose(self, deployment: Deployment, seeds: Seeds) -> None:
        """Servers, networks and volumes but that one; and the stack's folder, with all that opens it."""
        self._lost = datetime.now(UTC)
        deployment.destroy(keep_data=[VOLUME] if seeds.volume else ())

    def _look(self, deployment: Deployment, seeds: Seeds, rebuild: Rebuild) -> None:
        found = _do(deployment, seeds.look)
        self._drilled = Drilled(
            set=rebuild.record.set,
            phases=rebuild.record.phases,
            rto=rebuild.record.seconds,
            rpo=(self._lost - self._created).total_seconds(),
            seeds=found,
        )
        if wrong := [f"{each.name} {each.found}" for each in found if not each.right]:
            raise TerpError(", ".join(wrong))

    def _judge(self, deployment: Deployment) -> None:
        """Compare with what the environment promises."""
        recovery = deployment.workspace.environment.recovery
        if self._drilled and recovery and (missed := list(self._drilled.missed(recovery.objectives))):
            raise TerpError("\n".join(missed), hint="recovery.objectives in the environment's file")


def _let_go(deployment: Deployment) -> None:
    stack = deployment.workspace.stack
    with connect(deployment.workspace.environment.cloud) as cloud:
        mark_in_use(cloud, [each for each in survey(cloud, [stack]) if each.thing.stack == stack])


def _do(deployment: Deployment, work: Callable[[Api], T]) -> T:
    """Do something with the API of a stack's cluster."""
    with closing(Api(deployment.outputs()["kubeconfig"])) as api:
        return work(api)
