"""Programs that Terp starts: one class owns their time limits, environment, logging and errors."""

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import structlog

from terp.beside import ended_by, pause
from terp.errors import TerpError

log = structlog.get_logger()

SHOWN = 2_000
"""Characters of a failed program's output that an error repeats."""
GRACE = 5.0
"""Seconds that a program has by default to end by itself."""
NOT_STARTED = 127
"""Exit code of a program that could not be started, as in a shell."""


class CommandError(TerpError):
    """A program failed, or did not end in time. `code` is None for a time-out, -N when signal N killed it."""

    def __init__(self, argv: list[str], code: int | None, output: str, hint: str = "") -> None:
        said = output.strip()[-SHOWN:]
        if code is None:
            what = "did not end in time"
        elif code < 0:
            what = f"killed by {_signal_name(-code)}"
        else:
            what = f"exit code {code}"
        super().__init__(f"{shlex.join(argv[:6])}: {what}" + (f"\n{said}" if said else ""), hint=hint)
        self.code = code
        self.output = output


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


@dataclass(frozen=True)
class Command:
    """One program with its fixed arguments.

    It leads a process group of its own, so that a time limit or interrupt ends it with all that it started:
    first by the signal `ends_by`, and `grace` seconds later by SIGKILL.

    `timeout` is in seconds. `env` is added to the caller's environment; `only` lists the variables of the
    caller's environment that the program may see (all when None), so that secrets do not travel by accident.
    """

    argv: tuple[str, ...]
    timeout: float = 60.0
    env: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] | None = None
    cwd: Path | None = None
    ends_by: signal.Signals = signal.SIGTERM
    grace: float = GRACE

    def environment(self) -> dict[str, str]:
        """The environment that the program gets."""
        base = {k: v for k, v in os.environ.items() if self.only is None or k in self.only}
        return {**base, **self.env}

    def run(
        self, *args: str | Path, stdin: str = "", check: bool = True, timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end and return its output.

        Raises:
            CommandError: it was not found, failed (unless `check` is false) or outlived `timeout`.
        """
        argv = [*self.argv, *map(str, args)]
        with self._started(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            try:
                out, err = process.communicate(stdin, self._limit(timeout))
            except subprocess.TimeoutExpired as error:
                raise CommandError(argv, None, _text(error.stderr) or _text(error.stdout)) from error
        log.debug("ran", program=Path(argv[0]).name, code=process.returncode)
        if check and process.returncode:
            raise CommandError(argv, process.returncode, err or out)
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def output(self, *args: str | Path, stdin: str = "", timeout: float | None = None) -> str:
        """Standard output of a successful run, stripped."""
        return self.run(*args, stdin=stdin, timeout=timeout).stdout.strip()

    def log_to(self, log_file: Path, *args: str | Path, timeout: float | None = None) -> None:
        """Run to the end with its output added to `log_file`; the error repeats the end of it.

        Raises:
            CommandError: as for `run`.
        """
        argv = [*self.argv, *map(str, args)]
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("ab") as out:
            before, hint = out.tell(), f"the whole log: {log_file}"
            with self._started(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out) as process:
                try:
                    code = process.wait(self._limit(timeout))
                except subprocess.TimeoutExpired as error:
                    raise CommandError(argv, None, _end(log_file, before), hint) from error
        log.debug("ran", program=Path(argv[0]).name, code=code)
        if code:
            raise CommandError(argv, code, _end(log_file, before), hint)

    def write_to(self, file: Path, *args: str | Path, timeout: float | None = None) -> None:
        """Run to the end with its output, any bytes, as a new `file` that its owner alone reads.

        Raises:
            CommandError: as for `run`.
        """
        argv = [*self.argv, *map(str, args)]
        with (
            os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
            self._started(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE) as process,
        ):
            try:
                _, err = process.communicate(timeout=self._limit(timeout))
            except subprocess.TimeoutExpired as error:
                raise CommandError(argv, None, _text(error.stderr)) from error
        log.debug("ran", program=Path(argv[0]).name, code=process.returncode)
        if process.returncode:
            raise CommandError(argv, process.returncode, err)

    def _limit(self, timeout: float | None) -> float:
        return self.timeout if timeout is None else timeout

    @contextmanager
    def _started(
        self, argv: list[str], *, stdin: int, stdout: int | IO[bytes], stderr: int | IO[bytes]
    ) -> Iterator[subprocess.Popen[str]]:
        """The running program; an exception in the block ends it and its group."""
        pause()  # no longer than to ask whether this work has to end: then nothing is begun
        try:
            process = subprocess.Popen(
                argv,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                text=True,
                errors="replace",
                env=self.environment(),
                cwd=self.cwd,
                start_new_session=True,
            )
        except OSError as error:  # not there, not executable, no such working directory
            raise CommandError(argv, NOT_STARTED, str(error)) from error

        def end() -> None:
            _end_group(process, self.ends_by, self.grace)

        try:
            with ended_by(end):
                yield process
        except BaseException:
            end()
            raise
        finally:
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()


def _end_group(process: subprocess.Popen[str], ends_by: signal.Signals, grace: float) -> None:
    """End the program's process group, also what outlives the program itself."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, ends_by)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(GRACE)


def _end(file: Path, start: int) -> str:
    """What was added to a file since it had `start` bytes, no more of it than an error repeats."""
    with file.open("rb") as log_file:
        size = log_file.seek(0, os.SEEK_END)
        log_file.seek(max(start, size - 4 * SHOWN))
        return log_file.read().decode(errors="replace")[-SHOWN:]


def _text(output: bytes | str | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
