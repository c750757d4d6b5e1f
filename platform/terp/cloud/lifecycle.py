"""Up, down, reset: what leads from any state of the machine to a running cloud, and back to nothing."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from terp.beside import beside
from terp.cloud import hosts, network, seed
from terp.cloud.configuration import Configuration
from terp.cloud.database import Database, fernet_keys, schema_template
from terp.cloud.environment import environment
from terp.cloud.image import image
from terp.cloud.packages import packages
from terp.cloud.plugins import write_plugins
from terp.cloud.process import NotInTimeError, kill_marked, stop, wait_for
from terp.cloud.settings import Settings
from terp.cloud.state import State
from terp.cloud.supervisor import NAME, Service, deaths, ensure_supervisor, services
from terp.errors import TerpError
from terp.model import Model
from terp.progress import Progress, Task

HOPELESS = 4
"""Deaths of one process during a start after which waiting longer is no use."""
START = 240.0
"""Seconds that all services together may take to answer, on a machine that is busy with other things."""


def up(state: State, settings: Settings, progress: Progress, *, with_hosts: bool) -> None:
    """Lead to a running cloud from wherever it is: absent, stopped, crashed, half made, rebooted.

    Raises:
        TerpError: something of it is impossible; says what to do.
    """
    with state.lock():
        if state.exists():
            _find_materials(state, progress)
        else:
            _create(state, settings, progress, with_hosts=with_hosts)
        if state.ground.hosts and os.geteuid() != 0:
            raise TerpError("this cloud's servers are real hosts, which needs root", hint="run it with sudo")
        _fill_database(state, progress)
        _configure(state)
        if state.ground.hosts and not state.process("nova").record():
            hosts.reconcile(state.ground.place)  # while Nova runs, what looks half made is being made
        with progress.task("cloud start", expected=30) as task:
            _start(state, task)


class Materials(Model):
    """What a cloud is made of, all of it in the cache."""

    packages: Path
    python: Path
    image: Path | None

    def missing(self) -> list[Path]:
        """What somebody has removed from the cache."""
        return [path for path in (self.packages, self.python, self.image) if path and not path.exists()]


def _gather(progress: Progress, *, with_hosts: bool) -> Materials:
    with beside(lambda: environment(progress)) as python:
        debian = packages(progress)
        tree = image(debian, progress) if with_hosts else None
        return Materials(packages=debian, python=python.result(), image=tree)


def _find_materials(state: State, progress: Progress) -> None:
    """Make again what was removed from the cache since the cloud was made.

    Raises:
        TerpError: this version of Terp makes something else.
    """
    ground = state.ground
    made = Materials(packages=ground.place.packages, python=ground.python, image=ground.place.image)
    if made.missing():
        _gather(progress, with_hosts=ground.hosts)
    if made.missing():
        raise TerpError(
            f"this cloud was made from {', '.join(map(str, made.missing()))}, which is gone",
            hint="make the cloud anew: terp cloud reset, terp cloud up",
        )


def _create(state: State, settings: Settings, progress: Progress, *, with_hosts: bool) -> None:
    """Gather what the cloud is made of and make its directory."""
    if with_hosts:
        network.check_external(settings.external_network.cidr)
    materials = _gather(progress, with_hosts=with_hosts)
    state.create(settings, hosts=with_hosts, **dict(materials))


def _fill_database(state: State, progress: Progress) -> None:
    """Copy the template of the schemas, unless the cloud has its database."""
    database, ground = Database(state), state.ground
    if database.data.exists():
        return

    def workshop(root: Path) -> State:
        made = State(root)
        made.create(
            state.settings, packages=ground.place.packages, python=ground.python, image=None, hosts=False
        )
        Configuration(made).write()
        write_plugins(made)
        return made

    database.copy_of(schema_template(ground.python, ground.place.packages, workshop, progress))


def _configure(state: State) -> None:
    Configuration(state).write()
    write_plugins(state)
    Database(state).configure()
    for kind in ("fernet", "credential"):
        fernet_keys(state.path("data", "keystone", kind))


def _start(state: State, task: Task) -> None:
    ensure_supervisor(state)
    table = {service.name: service for service in services(state)}
    _once(state, task, "bootstrap", [table["mariadb"]], seed.bootstrap)
    _once(state, task, "identity", [table["keystone"]], seed.identity)
    _once(state, task, "content", [each for each in table.values() if not each.needs_content], seed.content)
    _wait(state, task, list(table.values()))
    if not state.path("clouds.yaml").exists():
        task.update("credential")
        seed.credential(state)


def _once(state: State, task: Task, step: str, after: list[Service], work: Callable[[State], None]) -> None:
    if not state.done(step):
        _wait(state, task, after)
        task.update(step)
        work(state)
        state.mark_done(step)


def _wait(state: State, task: Task, wanted: list[Service]) -> None:
    """Wait until all answer; the error says which does not and what it logged."""

    def all_answer() -> bool:
        missing = [each.name for each in wanted if not _runs(state, each)]
        for name in missing:
            if deaths(state, name) >= HOPELESS:
                raise _failure(state, name, f"died {HOPELESS} times")
        if missing:
            task.update("waiting for " + ", ".join(missing))
        return not missing

    try:
        wait_for("the services", all_answer, START, 0.2)
    except NotInTimeError as error:
        missing = next(each.name for each in wanted if not _runs(state, each))
        raise _failure(state, missing, f"does not answer after {START:.0f} s") from error


def _failure(state: State, name: str, what: str) -> TerpError:
    last = state.process(name).log_end()
    return TerpError(f"{name} {what}; its last words:\n{last}", hint=f"the whole log: terp cloud logs {name}")


def _runs(state: State, service: Service) -> bool:
    """It answers, and as it is configured now: the one before may answer until the supervisor stops it."""
    record = state.process(service.name).record()
    return record is not None and record.fingerprint == service.fingerprint() and service.answers()


def down(state: State, progress: Progress) -> None:
    """Stop everything and leave nothing behind in the kernel; servers keep their disks.

    Works on what is there, whether or not a record of it survived.
    """
    if not state.exists():
        return
    with state.lock(), progress.task("cloud stop", expected=5) as task:
        place = state.ground.place
        stop([state.process(NAME)])
        names = [service.name for service in services(state)]
        task.update("services")
        stop([state.process(name) for name in names if name != "mariadb"])
        if state.ground.hosts:
            task.update("hosts")
            hosts.stop_all(place)
            hosts.sweep(place)
            network.sweep(place)
        task.update("database")
        stop([state.process("mariadb")], 30)
        kill_marked(place.tag, place.path("logs"))


def reset(state: State, progress: Progress) -> None:
    """Stop everything and remove the cloud with its servers and volumes."""
    down(state, progress)
    if state.root.exists():
        with state.lock():
            shutil.rmtree(state.root)
