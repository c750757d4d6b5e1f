"""The private state directory of one embedded cloud: where it is, its ports, its passwords, what is done."""

import fcntl
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import Field

from terp.cloud.place import Place
from terp.cloud.process import Process
from terp.cloud.settings import Settings
from terp.errors import TerpError
from terp.model import Model

APIS = ("keystone", "placement", "glance", "neutron", "cinder", "nova", "octavia")
"""The services with an HTTP API."""
SOURCES = "sources"
"""What hands out charts and repositories of an embedded platform: no API of OpenStack."""
INTERNAL = ("placement",)
"""Those of them that no member calls."""
DATABASES = (
    "keystone",
    "glance",
    "placement",
    "nova_api",
    "nova_cell0",
    "nova_cell1",
    "neutron",
    "cinder",
    "octavia",
)
FOLDERS = ("etc", "logs", "run", "data", "hosts", "volumes", "balancers", "done", "secrets", SOURCES)
FIXED_PORTS = (20_000, 12_000)
"""First port and number of ports to choose from; Linux gives out 32768 and above (ip_local_port_range)."""
PATIENCE = 600.0
"""Seconds that a command waits for another one: a first start takes minutes."""
PASSWORDS = ("admin", "member", "service", "database")


class Ground(Model):
    """What one cloud is made of; written once, at its first `up`."""

    place: Place
    ports: dict[str, int] = Field(description="loopback port of each API")
    hosts: bool = Field(description="servers are real hosts (needs root); else records only")
    python: Path = Field(description="interpreter of the OpenStack services' environment")


class State:
    """Files under one directory. Nothing here starts or stops anything.

    The directory is private (0700) and holds the passwords in files of their own (0600).
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ground: Ground | None = None

    def path(self, *parts: str) -> Path:
        """A path in the directory."""
        return self.root.joinpath(*parts)

    def exists(self) -> bool:
        """There is a cloud here, running or not."""
        return self.path("ground.json").exists()

    @property
    def ground(self) -> Ground:
        """What the cloud is made of.

        Raises:
            TerpError: there is no cloud here.
        """
        if self._ground is None:
            if not self.exists():
                raise TerpError(f"there is no embedded cloud in {self.root}", hint="make one: terp cloud up")
            self._ground = Ground.model_validate_json(self.path("ground.json").read_bytes())
        return self._ground

    @property
    def settings(self) -> Settings:
        """What the cloud offers, as given to its first `up`."""
        return Settings.model_validate_json(self.path("settings.json").read_bytes())

    def create(
        self, settings: Settings, *, packages: Path, python: Path, image: Path | None, hosts: bool
    ) -> Ground:
        """Choose ports, passwords and a tag. The last file written makes the cloud exist."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in (
            "etc",
            "logs",
            "run",
            "data",
            "hosts",
            "volumes",
            "balancers",
            "done",
            "secrets",
            SOURCES,
        ):
            self.path(name).mkdir(mode=0o700, exist_ok=True)
        for name in PASSWORDS:
            self.write_private(f"secrets/{name}", secrets.token_urlsafe(24))
        self.write_private("settings.json", settings.model_dump_json(indent=1))
        ports = _free_ports((*APIS, SOURCES))
        place = Place(
            root=self.root,
            tag=_free_tag(),
            packages=packages,
            image=image,
            external_cidr=settings.external_network.cidr,
            apis={name: port for name, port in ports.items() if hosts and name not in INTERNAL},
        )
        ground = Ground(place=place, ports=ports, hosts=hosts, python=python)
        self.write_private("place.json", place.model_dump_json(indent=1))
        self.write_private("ground.json", ground.model_dump_json(indent=1))
        self._ground = ground
        return ground

    def write_private(self, name: str, text: str) -> None:
        """Write a file that only its owner reads, at once or not at all."""
        file = self.path(*name.split("/"))
        new = file.with_name(file.name + ".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
        new.replace(file)

    def password(self, name: str) -> str:
        """One of `PASSWORDS`."""
        return self.path("secrets", name).read_text()

    def url(self, service: str, path: str = "") -> str:
        """The address of an API on loopback."""
        return f"http://127.0.0.1:{self.ground.ports[service]}{path}"

    def public_url(self, service: str, path: str = "") -> str:
        """The address of an API for whoever is not on this machine; its own where servers are records."""
        if service not in self.ground.place.apis:
            return self.url(service, path)
        return f"http://{self.ground.place.machine}:{self.ground.place.apis[service]}{path}"

    def database_url(self, database: str) -> str:
        """SQLAlchemy URL of a database, with its password."""
        password, sock = self.password("database"), self.path("run", "mysql.sock")
        return f"mysql+pymysql://root:{password}@localhost/{database}?charset=utf8&unix_socket={sock}"

    def done(self, step: str) -> bool:
        """A first-boot step has been finished."""
        return self.path("done", step).exists()

    def mark_done(self, step: str) -> None:
        """Remember a finished first-boot step."""
        self.path("done", step).touch()

    def process(self, name: str) -> Process:
        """The long-running process with this name."""
        return Process(self.path("run", f"{name}.json"), self.path("logs", f"{name}.log"))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Only one command changes the cloud at a time; the next waits for it, as when two stacks are raised.

        Raises:
            TerpError: another one is at work for longer than `PATIENCE`.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        end = time.monotonic() + PATIENCE
        with self.path("lock").open("w") as file:
            while not _locked(file):
                if time.monotonic() > end:
                    raise TerpError(
                        f"another command has been at work on {self.root} for {PATIENCE:.0f} s",
                        hint="wait for it to end, then try again",
                    )
                time.sleep(0.2)
            yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _free_ports(names: tuple[str, ...]) -> dict[str, int]:
    """A free loopback port for each name, below the range that the kernel gives to outgoing connections.

    So nothing else takes it by chance while the cloud is down.
    """
    first, count = FIXED_PORTS
    ports: dict[str, int] = {}
    for name in names:
        while (port := first + secrets.randbelow(count)) in ports.values() or not _free(port):
            pass
        ports[name] = port
    return ports


def _free(port: int) -> bool:
    with socket.socket() as attempt:
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_tag() -> str:
    """A tag that no namespace of this machine carries."""
    try:
        taken = {each.name.partition("-")[0] for each in Path("/run/netns").iterdir()}
    except FileNotFoundError:
        taken = set()
    while (tag := f"t{secrets.token_hex(2)}") in taken:
        pass
    return tag


def read_place(root: Path) -> Place:
    """The place of the cloud in `root`, for its own processes."""
    return Place.model_validate(json.loads((root / "place.json").read_text()))
