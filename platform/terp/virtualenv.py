"""Terp's Python environments, made from lock files.

This runs before any environment exists: standard library, `terp.beside`, `terp.errors` and `terp.paths` only.
Why it is done this way: docs/decisions/001-lock-files.md.
"""

import ast
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from terp.beside import pause
from terp.errors import TerpError
from terp.paths import PROJECT, cache_dir

Say = Callable[[str], None]

INSTALLER = "installer"
"""The environment that holds uv; the only one that pip installs when all is well."""
LIMIT = 1800.0
"""Seconds for one installation as a whole; its single downloads have shorter limits of their own."""
SHOWN = 2_000
"""Characters of a failed program's output that an error repeats."""


class InstallError(TerpError):
    """A program that makes an environment failed or did not end in time."""


class Virtualenv:
    """The environment of `requirements/<name>.lock` for the running Python.

    Its path changes with the lock file, so that two versions of the project never share one. `pins` are the
    requirements of somebody else's program instead: versions without hashes.
    """

    def __init__(self, name: str, project: Path = PROJECT, pins: Path | None = None) -> None:
        self.name = name
        self.lock_file = pins or project / "requirements" / f"{name}.lock"
        self._hashes = () if pins else ("--require-hashes",)
        if not self.lock_file.is_file():
            raise TerpError(f"no lock file {self.lock_file}", exit_code=2)
        made_for = f"{sys.implementation.cache_tag} {os.uname().machine} {sys.base_prefix}\n"
        made_of = made_for.encode() + self.lock_file.read_bytes()
        self.root = cache_dir() / "venvs" / f"{name}-{hashlib.sha256(made_of).hexdigest()[:12]}"
        self.python = self.root / "bin" / "python"
        self._project = project
        self._complete = self.root / "complete"
        self._log = self.root.with_suffix(".log")

    def exists(self) -> bool:
        """It was made to the end, and its Python is still there."""
        return self._complete.is_file() and self.python.exists()

    def make(self, say: Say) -> None:
        """Make it unless it exists; an interrupted one is begun anew.

        Raises:
            TerpError: neither uv nor pip could install it, or another run is at it for too long.
        """
        self.root.parent.mkdir(parents=True, exist_ok=True)
        with alone(self.root.parent / f"{self.name}.lock", say) as lock:
            if self.exists():
                return
            _need_venv_module(say)
            try:
                self._install(lock, say)
            except InstallError as error:
                if self._log.exists():
                    error.hint = f"the whole log: {self._log}"
                raise
            self._complete.touch()
            self._log.unlink()

    def _install(self, lock: IO[str], say: Say) -> None:
        if self.name == INSTALLER:
            self._install_with_pip(lock, say)
            return
        try:
            self._install_with_uv(lock, say)
        except InstallError as error:
            say(f"goes on without uv, which failed: {error.message.splitlines()[-1]}")
            self._install_with_pip(lock, say)

    def _install_with_uv(self, lock: IO[str], say: Say) -> None:
        uv = Uv(self._project, say)
        self._clear("--without-pip")
        self._run(
            [
                *(uv.program, "pip", "install", "--python", self.python, *uv.options),
                *(*self._hashes, "--compile-bytecode", "--no-progress"),
                *("--build-constraints", self._project / "requirements" / "build.lock"),
                *("-r", self.lock_file),
            ],
            uv.env,
            lock,
            lambda: say(f"installs {self._packages()} with uv"),
        )

    def _install_with_pip(self, lock: IO[str], say: Say) -> None:
        self._clear()
        self._run(
            [
                *(self.python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"),
                *(*self._hashes, "-r", self.lock_file),
            ],
            os.environ,
            lock,
            lambda: say(f"installs {self._packages()} with pip"),
        )

    def _packages(self) -> str:
        pinned = [line for line in self.lock_file.read_text().splitlines() if "==" in line]
        return f"{len(pinned)} packages" if len(pinned) > 1 else pinned[0].split("==")[0]

    def _clear(self, *options: str) -> None:
        """An environment without packages, in place of whatever was there."""
        if self.root.exists():
            shutil.rmtree(self.root)
        _output([sys.executable, "-m", "venv", *options, self.root])

    def _run(
        self, argv: Sequence[str | Path], env: Mapping[str, str], lock: IO[str], beat: Callable[[], None]
    ) -> None:
        """Run to the end, with a `beat` every second.

        The program inherits the lock: should this process be killed, no other run touches the environment
        while the program still writes to it.
        """
        program = Path(argv[0]).name
        with self._log.open("w") as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                cwd=self._project,
                pass_fds=(lock.fileno(),),
                start_new_session=True,
            )
            try:
                code = _wait(process, beat)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(10)
        if code is None:
            raise InstallError(f"{program} did not end within {LIMIT:.0f} s")
        if code:
            said = self._log.read_text(errors="replace").strip()[-SHOWN:]
            raise InstallError(f"{program} ended with exit code {code}\n{said}")


def _wait(process: subprocess.Popen[bytes], beat: Callable[[], None]) -> int | None:
    """Exit code; None when it did not end in time."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        beat()
        pause()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(1)
    return None


def _output(argv: Sequence[str | Path], timeout: float = 300) -> str:
    """What a short program prints."""
    program = Path(argv[0]).name
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"{program} did not end within {timeout:.0f} s") from error
    if done.returncode:
        said = done.stdout.strip()[-SHOWN:]
        raise InstallError(f"{program} ended with exit code {done.returncode}\n{said}")
    return done.stdout


class Uv:
    """uv, made if it is missing, and set up as pip is on this machine."""

    def __init__(self, project: Path, say: Say) -> None:
        installer = Virtualenv(INSTALLER, project)
        installer.make(say)
        configured = pip_configuration(_output([installer.python, "-m", "pip", "config", "list"]))
        self.program = installer.root / "bin" / "uv"
        self.env = {"UV_CACHE_DIR": str(cache_dir() / "uv"), **uv_environment(configured), **os.environ}
        self.options = ("--no-index",) if configured.get("no-index") in ("1", "true", "yes", "on") else ()


@contextlib.contextmanager
def alone(file: Path, say: Say) -> Iterator[IO[str]]:
    """Hold the lock on `file`; the kernel frees it when the last process that holds it ends."""
    end = time.monotonic() + LIMIT
    with file.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                say("waits for another run that makes it")
            if time.monotonic() > end:
                raise TerpError(f"another run holds {file} since {LIMIT:.0f} s", hint="end it and try again")
            pause(1)
        yield lock


def _need_venv_module(say: Say) -> None:
    """Debian and Ubuntu keep `venv` and `ensurepip` in a package of their own."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    hint = f"sudo apt-get install {package}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise TerpError("Python's venv module is not installed", hint=hint)
    say(f"installs {package} with apt-get")
    apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120")
    install = (*apt, "install", "--no-install-recommends", package)
    try:
        _output(install, 600)
    except InstallError:  # the package lists of a fresh machine are often absent or old
        _output((*apt, "update"), 600)
        try:
            _output(install, 600)
        except InstallError as error:
            error.hint = hint
            raise


def pip_configuration(listed: str) -> dict[str, str]:
    """What `pip install` was configured with, from the output of `pip config list`.

    The command's own section goes before the global one, and the environment before both.
    """
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        if section in sections:
            sections[section][option] = str(ast.literal_eval(value))
    return {option: value for section in sections.values() for option, value in section.items()}


def uv_environment(configured: Mapping[str, str]) -> dict[str, str]:
    """The variables that make uv use the same indexes, certificates and proxy as pip does.

    Variables, not arguments: an index's address may carry a password.
    """
    env = {"UV_PYTHON_DOWNLOADS": "never"}
    same = {
        "index-url": "UV_DEFAULT_INDEX",
        "cert": "SSL_CERT_FILE",
        "client-cert": "SSL_CLIENT_CERT",
        "proxy": "ALL_PROXY",
        "timeout": "UV_HTTP_TIMEOUT",
        "default-timeout": "UV_HTTP_TIMEOUT",
        "retries": "UV_HTTP_RETRIES",
    }
    env |= {variable: configured[option] for option, variable in same.items() if option in configured}
    if "cert" not in configured:
        env["UV_SYSTEM_CERTS"] = "1"  # as pip does; a company's own authority is installed there
    if more := configured.get("extra-index-url", "").split():
        env["UV_INDEX"] = " ".join(more)
        env["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip looks into all of them; hashes make it safe
    if hosts := configured.get("trusted-host", "").split():
        env["UV_INSECURE_HOST"] = " ".join(hosts)
    if places := [each for each in configured.get("find-links", "").split() if _there(each)]:
        env["UV_FIND_LINKS"] = ",".join(places)
    return env


def _there(place: str) -> bool:
    return "://" in place or Path(place).expanduser().exists()


def link(project: Path = PROJECT) -> None:
    """Point `.venv` in the work tree, for editors and Pulumi, at the richest environment that there is."""
    place = project / ".venv"
    if place.exists() and not place.is_symlink():
        return  # somebody's own
    for name in ("development", "terp"):
        venv = Virtualenv(name, project)
        if venv.exists():
            if not place.is_symlink() or place.readlink() != venv.root:
                new = project / f".venv.{os.getpid()}"
                new.symlink_to(venv.root)
                new.replace(place)
            return


def main(arguments: list[str]) -> None:
    """`NAME [ARGUMENTS]`: become the environment's Python, or print its path; made first if it is missing.

    `uv ARGUMENTS` becomes uv.
    """
    name, *more = arguments
    started = time.monotonic()
    last_said = {"": started}

    def say(what: str) -> None:
        """New sentences at once, the same one every 15 seconds."""
        now = time.monotonic()
        if now - last_said.get(what, now - 16) > 15:
            last_said[what] = now
            sys.stderr.write(f'terp: Python environment "{name}": {what} ({now - started:.0f} s)\n')
            sys.stderr.flush()

    try:
        if name == "uv":
            uv = Uv(PROJECT, say)
            os.execve(uv.program, ["uv", *more, *uv.options], uv.env)  # noqa: S606
        venv = Virtualenv(name)
        if not venv.exists():
            venv.make(say)
            say("ready")
        if name != INSTALLER:
            link()
    except TerpError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except OSError as error:  # no space, no permission: of a cache that root made, for instance
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    if more:
        os.execv(venv.python, [str(venv.python), *more])  # noqa: S606
    sys.stdout.write(f"{venv.python}\n")
