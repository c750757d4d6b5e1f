"""MariaDB with every service's schema, copied from a template that is made once for a set of pins."""

import base64
import getpass
import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from terp.cloud.packages import libraries
from terp.cloud.process import stop, wait_for
from terp.cloud.state import DATABASES, State
from terp.command import Command
from terp.paths import cache_dir
from terp.progress import Progress

LOCAL_TEMPLATE = "{scheme}://{username}:{password}@{hostname}/"
"""Nova fills the cell's database address from [database] connection (nova.conf), so no password is stored."""


class Database:
    """The MariaDB server of one state directory; listens on a Unix socket only."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._usr = state.ground.place.packages / "usr"
        self.data = state.path("data", "mariadb")
        self.socket = state.path("run", "mysql.sock")

    def argv(self) -> list[str]:
        """The server's command line."""
        return [str(self._usr / "sbin/mariadbd"), f"--defaults-file={self._state.path('etc', 'my.cnf')}"]

    def env(self) -> dict[str, str]:
        """The server's environment, beside the caller's."""
        return libraries(self._state.ground.place.packages)

    def configure(self) -> None:
        """Write the server's options, and the password that it sets at every start."""
        options = {
            **self._basics(),
            "socket": self.socket,
            "pid_file": self._state.path("run", "mariadbd.pid"),
            # A starting server empties it: in a shared one it would take the tables that others work with.
            "tmpdir": self._state.path("run"),
            "init_file": self._state.path("secrets", "init.sql"),
            "character_set_server": "utf8mb3",
            "innodb_buffer_pool_size": "128M",
            "innodb_log_file_size": "32M",
            # A commit is handed to the kernel, not to the disk: it survives the death of every process, not
            # that of the machine's power. (0 would lose the last second of a killed server.)
            "innodb_flush_log_at_trx_commit": 2,
            "innodb_flush_method": "nosync",
            "innodb_doublewrite": 0,
            "sync_binlog": 0,
            "max_connections": 1000,
            "performance_schema": "OFF",
        }
        lines = ["[mysqld]", "skip-networking", "skip-name-resolve"]
        lines += [f"{name}={value}" for name, value in options.items()]
        self._state.write_private("etc/my.cnf", "\n".join(lines) + "\n")
        password = self._state.password("database")
        statements = [f"ALTER USER root@localhost IDENTIFIED BY '{password}';"]
        statements += [f"CREATE DATABASE IF NOT EXISTS {name};" for name in DATABASES]
        self._state.write_private("secrets/init.sql", "\n".join(statements) + "\n")

    def _basics(self) -> dict[str, object]:
        return {
            "basedir": self._usr,
            "datadir": self.data,
            "user": getpass.getuser(),
            "lc_messages_dir": self._usr / "share/mysql",
            "plugin_dir": self._usr / "lib/mysql/plugin",
        }

    def initialise(self) -> None:
        """Make an empty data directory, at once or not at all."""
        if self.data.exists():
            return
        new = self.data.with_name("mariadb.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        Command(
            (str(self._usr / "bin/mysql_install_db"), "--no-defaults"), timeout=120, env=self.env()
        ).log_to(
            self._state.path("logs", "mariadb-install.log"),
            f"--basedir={self._usr}",
            "--srcdir=",
            f"--datadir={new}",
            f"--user={getpass.getuser()}",
            f"--lc-messages-dir={self._usr / 'share/mysql'}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        )
        new.rename(self.data)

    def copy_of(self, template: Path) -> None:
        """Start from a template's data directory, at once or not at all."""
        if self.data.exists():
            return
        new = self.data.with_name("mariadb.new")
        shutil.rmtree(new, ignore_errors=True)
        Command(("cp", "-a", "--reflink=auto", "--sparse=always"), timeout=120).run(template, new)
        new.rename(self.data)


def schema_key(python: Path, packages: Path) -> str:
    """What the template depends on: the services' pins, MariaDB's build, and how it is made."""
    pins = "\n".join(
        sorted(p.name for p in python.parent.parent.glob("lib/python3*/site-packages/*.dist-info"))
    )
    parts = (pins, packages.name, str(python.resolve()), Path(__file__).read_text())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def schema_template(
    python: Path, packages: Path, make_state: Callable[[Path], State], progress: Progress
) -> Path:
    """The data directory with all schemas, made once and kept in the cache.

    `make_state` gives a throw-away state, with its configuration written, in a directory.
    """
    directory = cache_dir() / "cloud" / f"schema-{schema_key(python, packages)}"
    if not directory.exists():
        workshop = directory.with_name(f"{directory.name}.new-{os.getpid()}")
        try:
            with progress.task("database schemas", expected=60):
                _migrate_all(make_state(workshop))
            workshop.joinpath("data", "mariadb").rename(directory)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
    return directory


def _migrate_all(state: State) -> None:
    database = Database(state)
    database.configure()
    database.initialise()
    server = state.process("mariadb")
    server.start(database.argv(), {**os.environ, **database.env()}, state.root)
    try:
        wait_for("MariaDB's socket", database.socket.exists, 60)
        with ThreadPoolExecutor(4) as pool:
            for ended in [pool.submit(_run_chain, state, chain) for chain in _migrations(state)]:
                ended.result()
    finally:
        stop([server], 60)


def _run_chain(state: State, chain: list[tuple[str, ...]]) -> None:
    for argv in chain:
        Command(argv[:1], timeout=300).log_to(state.path("logs", "migrations.log"), *argv[1:])


def _migrations(state: State) -> list[list[tuple[str, ...]]]:
    """Commands that make the schemas; the chains may run beside each other."""
    programs, etc = state.ground.python.parent, state.path("etc")

    def tool(name: str, config: str) -> tuple[str, ...]:
        return (str(programs / name), "--config-file", str(etc / config))

    nova = tool("nova-manage", "nova/nova.conf")
    return [
        [
            (*nova, "api_db", "sync"),
            (
                *nova,
                "cell_v2",
                "map_cell0",
                "--database_connection",
                LOCAL_TEMPLATE + "nova_cell0?{query}",
            ),
            (
                *nova,
                "cell_v2",
                "create_cell",
                "--name",
                "cell1",
                "--transport-url",
                "fake://",
                "--database_connection",
                LOCAL_TEMPLATE + "{path}?{query}",
            ),
            (*nova, "db", "sync"),
        ],
        [(*tool("neutron-db-manage", "neutron/neutron.conf"), "upgrade", "heads")],
        [
            (*tool("keystone-manage", "keystone/keystone.conf"), "db_sync"),
            (*tool("glance-manage", "glance/glance-api.conf"), "db_sync"),
            (*tool("octavia-db-manage", "octavia/octavia.conf"), "upgrade", "head"),
        ],
        [
            (*tool("cinder-manage", "cinder/cinder.conf"), "db", "sync"),
            (*tool("placement-manage", "placement/placement.conf"), "db", "sync"),
        ],
    ]


def fernet_keys(repository: Path) -> None:
    """Keystone's first key set: a staged key 0 and a primary key 1 (Keystone 30, "Fernet tokens")."""
    repository.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in ("0", "1"):
        file = repository / number
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(base64.urlsafe_b64encode(os.urandom(32)))
