"""Programs of the toolchain as processes of one folder, which end together."""

import os
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from terp.cloud.process import MARK, NotInTimeError, Process, kill_marked, stop, wait_for
from terp.tools import Toolchain


class Processes:
    """What runs, each with its log."""

    def __init__(self, toolchain: Toolchain, root: Path) -> None:
        self.toolchain, self.root = toolchain, root
        self._running: dict[str, Process] = {}
        self._starts: dict[str, tuple[list[str], Mapping[str, str]]] = {}
        self._mark = str(root)

    def start(
        self,
        name: str,
        program: str,
        flags: Mapping[str, object],
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self._running[name] = Process(self.root / f"{name}.json", self.root / f"{name}.log")
        argv = [str(self.toolchain.path(program)), *(f"--{flag}={value}" for flag, value in flags.items())]
        argv += arguments
        mine = {MARK: self._mark, **(env or {})}
        self._starts[name] = (argv, {**os.environ, **self.toolchain.env(), **mine})
        self.again(name)

    def pid(self, name: str) -> int:
        """Of one that runs."""
        record = self._running[name].record()
        assert record, f"{name} does not run"
        return record.pid

    def kill(self, name: str) -> None:
        """As a crash would end it."""
        self._running[name].signal(signal.SIGKILL)
        wait_for(f"the end of {name}", lambda: self._running[name].record() is None, 10)

    def again(self, name: str) -> None:
        """Start what has ended as it was started before."""
        argv, env = self._starts[name]
        self._running[name].start(argv, env, self.root)

    def wait_for(self, what: str, client: httpx.Client, url: str, timeout: float = 120) -> None:
        """Until an address answers well.

        Raises:
            NotInTimeError: with the last words of all processes.
        """

        def answered() -> bool:
            try:
                return client.get(url).is_success
            except httpx.HTTPError:
                return False

        try:
            wait_for(what, answered, timeout, 0.2)
        except NotInTimeError as error:
            said = (f"{each.log_file.name}: {each.log_end(5)}" for each in self._running.values())
            raise NotInTimeError("\n".join([str(error), *said])) from None

    def stop(self) -> None:
        """Also what has lost its record."""
        stop(reversed(self._running.values()))
        kill_marked(self._mark, self.root)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
