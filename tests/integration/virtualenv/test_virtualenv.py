"""Environments are made for real, from an index on this machine that only pip's configuration names."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from terp.errors import TerpError
from terp.paths import PROJECT
from terp.virtualenv import INSTALLER, Virtualenv

WHEEL = "alpha-1.0-py3-none-any.whl"
METADATA = "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n"
FORMAT = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
MAKE = """
import sys
from pathlib import Path
from terp.virtualenv import Virtualenv
venv = Virtualenv("alpha", Path(sys.argv[1]))
venv.make(lambda what: print(what, flush=True))
"""


class Index(ThreadingHTTPServer):
    """A package index with one package; remembers who asked for what."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder = folder
        self.asked: list[tuple[str, str]] = []
        self.open = threading.Event()
        self.open.set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/simple"

    def clients(self) -> set[str]:
        return {client for client, path in self.asked if path.endswith(".whl")}


class Answer(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        self.server.asked.append((self.headers["User-Agent"].partition("/")[0], self.path))
        self.server.open.wait(60)
        if self.path == "/simple/alpha/":
            self._send(f'<!DOCTYPE html><a href="/{WHEEL}">{WHEEL}</a>'.encode(), "text/html")
        elif self.path == f"/{WHEEL}":
            self._send((self.server.folder / WHEEL).read_bytes(), "application/octet-stream")
        else:
            self.send_error(404)

    do_HEAD = do_GET  # noqa: N815

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Requests are remembered, not printed."""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as wheel:
        wheel.writestr("alpha.py", "HERE = True\n")
        wheel.writestr("alpha-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("alpha-1.0.dist-info/WHEEL", FORMAT)
        wheel.writestr("alpha-1.0.dist-info/RECORD", "")
    with Index(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.open.set()
        server.shutdown()
        thread.join(10)


@pytest.fixture
def project(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that needs the package; the installer is the real one, made before."""
    real = Virtualenv(INSTALLER)
    real.make(print)
    monkeypatch.setenv("TERP_CACHE", str(tmp_path / "cache"))
    for variable in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(variable)
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nindex-url = {index.address}\nretries = 0\ntimeout = 60\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    project = tmp_path / "project"
    (project / "requirements").mkdir(parents=True)
    for lock in ("installer", "build"):
        source = PROJECT / "requirements" / f"{lock}.lock"
        (project / "requirements" / f"{lock}.lock").write_bytes(source.read_bytes())
    write_lock(project, hashlib.sha256((tmp_path / WHEEL).read_bytes()).hexdigest())
    linked = Virtualenv(INSTALLER, project).root
    linked.parent.mkdir(parents=True)
    linked.symlink_to(real.root)
    return project


def write_lock(project: Path, digest: str) -> None:
    (project / "requirements" / "alpha.lock").write_text(f"alpha==1.0 --hash=sha256:{digest}\n")


def start(project: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, project],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "platform")},
    )


def wait_for_a_request(index: Index, within: float = 60) -> None:
    end = time.monotonic() + within
    while not index.asked:
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def works(venv: Virtualenv) -> bool:
    done = subprocess.run(
        [venv.python, "-c", "import alpha; print(alpha.HERE)"], capture_output=True, timeout=60
    )
    return done.stdout == b"True\n"


def test_uv_installs_from_the_index_that_pip_is_configured_with(project: Path, index: Index):
    venv = Virtualenv("alpha", project)
    venv.make(print)
    assert works(venv)
    assert index.clients() == {"uv"}
    assert list(venv.root.glob("lib/*/site-packages/__pycache__/alpha*.pyc"))


def test_an_environment_that_is_there_needs_no_network(project: Path, index: Index):
    venv = Virtualenv("alpha", project)
    venv.make(print)
    index.asked.clear()
    said: list[str] = []
    venv.make(said.append)
    assert (index.asked, said) == ([], [])


def test_pip_installs_where_uv_cannot_be_had(project: Path, index: Index):
    lock = project / "requirements" / "installer.lock"
    lock.write_text(f"uv==0 --hash=sha256:{'0' * 64}\n")  # the index has none
    venv, said = Virtualenv("alpha", project), list[str]()
    venv.make(said.append)
    assert works(venv)
    assert index.clients() == {"pip"}
    assert any("goes on without uv" in what for what in said)


def test_a_file_with_another_hash_is_refused(project: Path):
    write_lock(project, "0" * 64)
    venv = Virtualenv("alpha", project)
    with pytest.raises(TerpError, match="hash") as raised:
        venv.make(print)
    assert not venv.exists()
    assert Path(raised.value.hint.removeprefix("the whole log: ")).is_file()


def test_an_index_that_does_not_answer_is_an_error_that_says_so(project: Path, index: Index):
    index.shutdown()
    index.server_close()
    with pytest.raises(TerpError, match="exit code"):
        Virtualenv("alpha", project).make(print)


def test_two_runs_at_once_make_it_once(project: Path):
    runs = [start(project) for _ in range(2)]
    said = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert works(Virtualenv("alpha", project))
    assert sorted("installs" in each for each in said) == [False, True]


def test_what_a_killed_run_started_is_waited_for_and_made_anew(project: Path, index: Index):
    index.open.clear()
    run = start(project)
    wait_for_a_request(index)
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=60)
    venv, said = Virtualenv("alpha", project), list[str]()
    assert not venv.exists()

    def say(what: str) -> None:
        said.append(what)
        index.open.set()  # the installer that was left behind gets its answer only now

    venv.make(say)
    assert said[0] == "waits for another run that makes it"
    assert works(venv)


def test_an_interrupted_run_ends_its_installer(project: Path, index: Index):
    index.open.clear()
    run = start(project)
    wait_for_a_request(index)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    index.open.set()
    said: list[str] = []
    Virtualenv("alpha", project).make(said.append)
    assert "waits for another run that makes it" not in said
