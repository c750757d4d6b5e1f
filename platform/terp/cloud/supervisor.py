"""Keeps the processes of one cloud running: starts them in order, and again when they die.

`python -m terp.cloud.supervisor <state directory>`

The processes are not its children in spirit: each has a record by which the next supervisor finds it again,
so the death of the supervisor stops nothing. It is level-triggered: every half second it compares what should
run with what does.
"""

import contextlib
import hashlib
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

import structlog

from terp.cloud.database import Database
from terp.cloud.network import front, proxy
from terp.cloud.process import MARK, Process, stop
from terp.cloud.state import SOURCES, State
from terp.model import Model
from terp.paths import PROJECT

log = structlog.get_logger()

NAME = "supervisor"
EVERY = 0.5
LONGEST_PAUSE = 30.0
"""Seconds: a process that keeps dying is started again after 1, 2, 4, ... up to this."""
SETTLED = 60.0
"""Seconds after which a process that lives counts as well."""


class Service(Model):
    """One process: how it is started, and what must be there before."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    after: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    port: int | None = None
    socket: Path | None = None
    configuration: tuple[Path, ...] = ()

    def fingerprint(self) -> str:
        """Changes when the process has to be started anew to be what is asked for."""
        texts = [file.read_text() for file in self.configuration if file.exists()]
        asked = json.dumps([self.argv, sorted(self.env.items()), texts])
        return hashlib.sha256(asked.encode()).hexdigest()[:16]

    @property
    def needs_content(self) -> bool:
        """It can only run when the cloud has been filled."""
        return "content" in self.needs

    def answers(self) -> bool:
        """It accepts connections; a process without an address answers by being alive."""
        if self.socket is not None:
            return _connects(socket.AF_UNIX, str(self.socket))
        return self.port is None or _connects(socket.AF_INET, ("127.0.0.1", self.port))


def _sources(state: State) -> tuple[str, str]:
    """What it serves, and where."""
    return str(state.path(SOURCES)), str(state.ground.ports[SOURCES])


def _connects(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family) as attempt:
        attempt.settimeout(0.5)
        return attempt.connect_ex(address) == 0


def services(state: State) -> tuple[Service, ...]:
    """Every process of the cloud, in the order of starting."""
    ground, etc = state.ground, state.path("etc")
    database = Database(state)
    base = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "PYTHONPATH": f"{PROJECT / 'platform'}:{state.path('plugins')}",
        "PYTHONUNBUFFERED": "1",
        "XDG_CACHE_HOME": str(state.path("data", "cache")),
        "MALLOC_ARENA_MAX": "2",
        "TERP_CLOUD_ROOT": str(state.root),
        MARK: ground.place.tag,
    }
    python = str(ground.python)

    def api(name: str, *argv: str, **more: str) -> Service:
        wsgi = ("-m", "terp.cloud.services.wsgi", name, f"{name}.wsgi.api")
        return Service(
            name=name,
            argv=(python, *(argv or wsgi)),
            env={**base, **more},
            after=("mariadb",) if name == "keystone" else ("mariadb", "keystone"),
            needs=("bootstrap",) if name == "keystone" else ("identity",) if name == "nova" else (),
            port=ground.ports[name],
            configuration=tuple(sorted(etc.joinpath(name).glob("*.conf"))),
        )

    def configured(name: str, files: str) -> dict[str, str]:
        upper = name.upper()
        return {f"OS_{upper}_CONFIG_DIR": str(etc / name), f"OS_{upper}_CONFIG_FILES": files}

    table = [
        Service(
            name="mariadb",
            argv=tuple(database.argv()),
            env={**base, **database.env()},
            socket=database.socket,
            configuration=(etc / "my.cnf",),
        ),
        api("keystone", **configured("keystone", "keystone.conf")),
        api("neutron", "-m", "terp.cloud.services.neutron", **configured("neutron", "neutron.conf")),
        api(
            "cinder",
            "-m",
            "terp.cloud.services.cinder",
            "--config-file",
            str(etc / "cinder/cinder.conf"),
        ),
        api("glance", **configured("glance", "glance-api.conf")),
        api("placement", **configured("placement", "placement.conf")),
        api(
            "octavia",
            "-m",
            "terp.cloud.services.octavia",
            "--config-file",
            str(etc / "octavia/octavia.conf"),
        ),
        api(
            "nova",
            "-m",
            "terp.cloud.services.nova",
            "--config-file",
            str(etc / "nova/nova.conf"),
            **configured("nova", "api-paste.ini;nova.conf"),
        ),
    ]
    if ground.hosts:
        table.append(
            Service(
                name=SOURCES,
                argv=(
                    python,
                    "-m",
                    "terp.cloud.services.sources",
                    str(state.path(SOURCES)),
                    str(ground.ports[SOURCES]),
                ),
                env=base,
                port=ground.ports[SOURCES],
            )
        )
        network = Service(
            name="network",
            argv=(python, "-m", "terp.cloud.network", str(state.root)),
            env=base,
            after=("mariadb",),
        )
        front_door = Service(
            name="front",
            argv=tuple(front.argv(ground.place)),
            env={**base, **front.environment(ground.place)},
            after=("network",),
            configuration=tuple(sorted(etc.joinpath("front").glob("*.cfg"))),
        )
        table[1:1] = [network, front_door]
        allowed = state.settings.proxy.allow
        if allowed:
            forward = Service(
                name="proxy",
                argv=tuple(proxy.argv(ground.place, allowed)),
                env={**base, **proxy.environment(ground.place)},
                after=("network",),
                needs=("content",),  # the address that it listens on comes with the external network
                configuration=tuple(sorted(etc.joinpath("proxy").glob("*"))),
            )
            table.append(forward)
    return tuple(table)


class Supervisor:
    """The loop over one cloud's services."""

    def __init__(self, state: State, table: tuple[Service, ...]) -> None:
        self._state = state
        self._services = table
        self._deaths: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._started: dict[str, float] = {}

    def run(self) -> None:
        """Keep all running until SIGTERM."""
        while True:
            self.look()
            time.sleep(EVERY)

    def look(self) -> None:
        """Compare once what should run with what does."""
        _reap()
        for service in self._services:
            self._keep(service)

    def _keep(self, service: Service) -> None:
        process = self._state.process(service.name)
        record, now = process.record(), time.monotonic()
        if record and record.fingerprint == service.fingerprint():
            if now - self._started.get(service.name, now) > SETTLED:
                self._deaths.pop(service.name, None)
                _deaths_file(self._state, service.name).unlink(missing_ok=True)
            return
        if record:
            log.info("starting anew: its configuration changed", service=service.name)
            stop([process])
        elif service.name in self._started and service.name not in self._not_before:
            self._mourn(service.name, now)
        if self._may_start(service) and now >= self._not_before.get(service.name, 0):
            self._start(service, process)

    def _mourn(self, name: str, now: float) -> None:
        times = self._deaths[name] = self._deaths.get(name, 0) + 1
        pause = min(LONGEST_PAUSE, 2.0 ** (times - 1)) if times > 1 else 0.0
        self._not_before[name] = now + pause
        _deaths_file(self._state, name).write_text(str(times))
        log.warning("died", service=name, deaths=times, again_in=pause)

    def _may_start(self, service: Service) -> bool:
        ready = all(each.answers() for each in self._services if each.name in service.after)
        return ready and all(self._state.done(step) for step in service.needs)

    def _start(self, service: Service, process: Process) -> None:
        if service.socket is not None:
            service.socket.unlink(missing_ok=True)
        pid = process.start(list(service.argv), service.env, self._state.root, service.fingerprint())
        self._started[service.name] = time.monotonic()
        self._not_before.pop(service.name, None)
        log.info("started", service=service.name, pid=pid)


def _deaths_file(state: State, name: str) -> Path:
    return state.path("run", f"{name}.deaths")


def deaths(state: State, name: str) -> int:
    """How often a process died lately, without having settled since."""
    try:
        return int(_deaths_file(state, name).read_text())
    except FileNotFoundError:
        return 0


def _reap() -> None:
    """Bury dead children. (Ignoring SIGCHLD would be inherited, and hide exit codes from the services.)"""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def ensure_supervisor(state: State) -> None:
    """Start the supervisor, or a new one when what should run has changed."""
    process = state.process(NAME)
    table = services(state)
    own = Path(__file__).read_text()
    fingerprint = hashlib.sha256(
        "".join([own, *(each.fingerprint() for each in table)]).encode()
    ).hexdigest()[:16]
    record = process.record()
    if record and record.fingerprint == fingerprint:
        return
    stop([process])
    for each in table:
        _deaths_file(state, each.name).unlink(missing_ok=True)
    process.start(
        [sys.executable, "-m", "terp.cloud.supervisor", str(state.root)],
        {**os.environ, "PYTHONPATH": str(PROJECT / "platform"), MARK: state.ground.place.tag},
        state.root,
        fingerprint,
    )


def main() -> None:
    """Supervise the cloud whose state directory is the only argument."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.add_log_level,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ]
    )
    state = State(Path(sys.argv[1]))
    Supervisor(state, services(state)).run()


if __name__ == "__main__":
    main()
