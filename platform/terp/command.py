"""Programs that Terp starts: one class owns their time limits, environment, logging and errors."""

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import structlog

from terp.errors import TerpError

log = structlog.get_logger()

SHOWN = 2_000
"""Characters of a failed program's output that an error repeats."""


class CommandError(TerpError):
    """A program failed, or did not end in time. `code` is None for a time-out."""

    def __init__(self, argv: list[str], code: int | None, output: str, hint: str = "") -> None:
        said = output.strip()[-SHOWN:]
        what = "did not end in time" if code is None else f"exit code {code}"
        super().__init__(f"{shlex.join(argv[:6])}: {what}" + (f"\n{said}" if said else ""), hint=hint)
        self.code = code
        self.output = output


@dataclass(frozen=True)
class Command:
    """One program with its fixed arguments.

    `timeout` is in seconds. `env` is added to the caller's environment; `only` lists the variables of the
    caller's environment that the program may see (all when None), so that secrets do not travel by accident.
    """

    argv: tuple[str, ...]
    timeout: float = 60.0
    env: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] | None = None
    cwd: Path | None = None

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
        try:
            done = subprocess.run(
                argv,
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout or self.timeout,
                env=self.environment(),
                cwd=self.cwd,
                check=False,
            )
        except FileNotFoundError as error:
            raise CommandError(argv, 127, str(error)) from error
        except subprocess.TimeoutExpired as error:
            raise CommandError(argv, None, _text(error.stderr)) from error
        log.debug("ran", program=Path(argv[0]).name, code=done.returncode)
        if check and done.returncode:
            raise CommandError(argv, done.returncode, done.stderr or done.stdout)
        return done

    def output(self, *args: str | Path, stdin: str = "", timeout: float | None = None) -> str:
        """Standard output of a successful run, stripped."""
        return self.run(*args, stdin=stdin, timeout=timeout).stdout.strip()

    def log_to(self, log_file: Path, *args: str | Path, timeout: float | None = None) -> None:
        """Run to the end with its output in `log_file`; the error repeats the end of it.

        The program is the leader of a process group, which is killed as a whole at the time limit.
        """
        argv = [*self.argv, *map(str, args)]
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("ab") as out:
            code = self._wait(argv, out, timeout or self.timeout)
        if code:
            end = log_file.read_text(errors="replace")[-SHOWN:]
            raise CommandError(argv, code if code > 0 else None, end, hint=f"the whole log: {log_file}")

    def _wait(self, argv: list[str], out: IO[bytes], timeout: float) -> int:
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=self.environment(),
                cwd=self.cwd,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise CommandError(argv, 127, str(error)) from error
        try:
            return process.wait(timeout)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            if isinstance(error, subprocess.TimeoutExpired):
                return -1
            raise


def _text(output: bytes | str | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
