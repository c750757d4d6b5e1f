"""One playbook on the nodes of a cluster, through ansible-runner: private, watched, and without a trace."""

import json
import os
import select
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from pydantic import JsonValue

from terp.errors import TerpError
from terp.kubernetes.model import Run
from terp.kubernetes.runner import facts, inventory
from terp.kubernetes.runner.access import Access, known_hosts, ssh_config
from terp.kubernetes.runner.configuration import FACTS, configuration
from terp.kubernetes.runner.history import History
from terp.kubernetes.runner.installation import Installation
from terp.kubernetes.runner.lock import held
from terp.kubernetes.runner.moment import Moment
from terp.kubernetes.runner.processes import MARK, TO_DIE, end_processes, sockets
from terp.kubernetes.runner.record import Result, RunRecord
from terp.kubernetes.runner.story import Story
from terp.masking import Mask
from terp.paths import private_folder

LIMIT = 6 * 3600.0
"""Seconds that a run may take: 350 hosts took Kubespray 220 minutes (kubespray#478)."""
SILENCE = 3600.0
"""Seconds that a run may say nothing; the longest of Kubespray's own waits are below 15 minutes."""
POLL = 0.5
"""Seconds between two looks at whether the run shall end."""
TICK = 5.0
"""Seconds after which a run that says nothing is told again."""
KEPT = 20
"""Runs whose logs are kept."""
PASSED = ("HOME", "LOGNAME", "USER")
"""What a playbook sees of the caller's environment: no credentials, no settings of Ansible."""


class Runner:
    """Runs playbooks of one installation on one cluster; `folder` is the cluster's own.

    In it: `lock`, `runs.jsonl` (see `History`), `facts/`, `runs/<when>-<playbook>/` with `log.txt` and
    `events.jsonl`, and `private/` with all that a run needs and that is gone after it.
    """

    def __init__(
        self, folder: Path, installation: Installation, access: Access, limit: float = LIMIT
    ) -> None:
        self._folder = folder.absolute()
        self._installation = installation
        self._access = access
        self._limit = limit
        self.history = History(self._folder)

    def run(
        self,
        run: Run,
        variables: Mapping[str, JsonValue],
        secrets: Mapping[str, str],
        listen: Callable[[Moment], None],
        cancelled: threading.Event,
    ) -> RunRecord:
        """Run to the end, to the limit, or until `cancelled`; a failure is in the record, not raised.

        Args:
            run: which playbook, on which nodes, why.
            variables: group variables of all hosts.
            secrets: variables that no one may see, by name.
            listen: told where the run is: at each task, and every few seconds.
            cancelled: ends the run within seconds when it is set. What runs on a host at that moment may go
                on there for a while.

        Raises:
            TerpError: another run has the cluster.
        """
        mask = Mask((*secrets.values(), self._access.private_key))
        with held(self._folder, run.playbook) as dead:
            story = Story(run, self.history.estimate(run, self._installation.name), mask)
            if dead:
                listen(story.moment(f"a run died before its end, what was left of it is gone: {dead}"))
            for host in facts.purge(self._folder / FACTS, self._folder / "facts.json", run.nodes):
                listen(story.moment(f"{host} is another host than before: what was known of it is forgotten"))
            began = datetime.now(UTC)
            place = _new_place(self._folder / "runs", began, run.playbook)
            with private_folder(self._folder / "private") as private, sockets(self._folder) as controls:
                self._write(private, controls, run, variables, secrets)
                try:
                    result, why = self._play(private, run, story, place, mask, listen, cancelled)
                finally:
                    end_processes(self._folder)
            log = place / "log.txt"
            record = story.record(result, began.isoformat(timespec="seconds"), log, why)
            self.history.add(record)
            return record

    def _write(
        self,
        private: Path,
        controls: Path,
        run: Run,
        variables: Mapping[str, JsonValue],
        secrets: Mapping[str, str],
    ) -> None:
        """Everything that Ansible reads of this run."""
        access = self._access
        key = access.private_key
        arguments = f"-F {shlex.quote(str(private / 'ssh_config'))}"
        nodes = (*run.nodes, *([access.jump] if access.jump else []))
        settings = configuration(
            private,
            controls,
            self._folder / FACTS,
            len(run.nodes),
            os.cpu_count() or 1,
            self._installation.settings,
        )
        texts = {
            "private_key": key if key.endswith("\n") else f"{key}\n",
            "known_hosts": known_hosts(nodes),
            "ssh_config": ssh_config(run.nodes, access, private),
            "ansible.cfg": settings,
            "inventory/hosts.yaml": inventory.inventory(run, arguments),
            "inventory/group_vars/all.json": inventory.group_variables(
                run, {**self._installation.variables, **variables}
            ),
            "secrets.yaml": inventory.secret_variables(secrets),
            "run.json": inventory.run_variables(run),
            "play.json": self._play_of(private, controls, run),
        }
        for name, text in texts.items():
            file = private / name
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(text)

    def _play(
        self,
        private: Path,
        run: Run,
        story: Story,
        place: Path,
        mask: Mask,
        listen: Callable[[Moment], None],
        cancelled: threading.Event,
    ) -> tuple[Result, str]:
        """How it ended, and why when that was not a host's fault."""
        with _log(place / "log.txt") as log, _log(place / "events.jsonl") as events:
            told = _Told(story, listen, events)
            told.tell(story.moment())
            with _player(private, self._folder) as said:
                end, silent = time.monotonic() + self._limit, time.monotonic() + SILENCE
                for event in said:
                    now = time.monotonic()
                    if cancelled.is_set():
                        return "cancelled", "stopped from outside"
                    if now > min(end, silent):
                        over = f"{self._limit:.0f} s are over" if now > end else f"{SILENCE:.0f} s of silence"
                        return "failed", f"it was stopped: {over}"
                    if event is None:
                        told.tick()
                    elif "status" in event:
                        return ("ok" if event["status"] == "successful" else "failed"), ""
                    else:
                        silent = now + SILENCE
                        if text := event["stdout"]:
                            log.write(mask(text.replace("\r\n", "\n")) + "\n")
                        told.tell(story.hear(event))
        return "failed", f"ansible-runner died: {mask((private / 'errors').read_text())[-2000:]}"

    def _play_of(self, private: Path, controls: Path, run: Run) -> str:
        """What `play.py` reads; the environment is made here, and nothing of the caller's gets in."""
        installation = self._installation
        playbook = installation.playbooks / run.playbook
        if not playbook.is_file():
            raise TerpError(f"{installation.name} {installation.version} has no {run.playbook}")
        files = [str(private / "run.json"), str(private / "secrets.yaml")]
        environment = {
            **{name: os.environ[name] for name in PASSED if name in os.environ},
            "PATH": f"{installation.bin}:{os.environ.get('PATH', os.defpath)}",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "TMPDIR": str(controls),
            MARK: str(self._folder),
            "ANSIBLE_CONFIG": str(private / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }
        given = {
            "project": str(installation.playbooks),
            "playbook": str(playbook),
            "inventory": str(private / "inventory"),
            "arguments": shlex.join(inventory.arguments(run, files)),
            "environment": environment,
        }
        return json.dumps(given)


class _Told:
    """Tells moments, and tells again where a run is that says nothing."""

    def __init__(self, story: Story, listen: Callable[[Moment], None], events: TextIO) -> None:
        self._story = story
        self._listen = listen
        self._events = events
        self._last = time.monotonic()

    def tell(self, moment: Moment | None) -> None:
        """Tell it, if there is one."""
        if moment:
            self._last = time.monotonic()
            self._events.write(moment.line())
            self._listen(moment)

    def tick(self) -> None:
        """Tell where the run is, unless that was told a moment ago."""
        if time.monotonic() - self._last >= TICK:
            self.tell(self._story.moment())


@contextmanager
def _player(private: Path, folder: Path) -> Iterator[Iterator[dict[str, Any] | None]]:
    """The events of `play.py`, None whenever there was none for a while; it is over with the block."""
    argv = [sys.executable, "-I", str(Path(__file__).with_name("play.py")), str(private)]
    env = {**{name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}, MARK: str(folder)}
    with (private / "errors").open("w") as errors:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=env, cwd=private
        )
    try:
        yield _lines(process)
    finally:
        process.kill()  # with what it has started: see end_processes
        process.wait(TO_DIE)
        if process.stdout:
            process.stdout.close()


def _lines(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any] | None]:
    """Each line of JSON until the end; None after `POLL` seconds without any."""
    assert process.stdout  # noqa: S101 - it is a pipe
    handle, rest = process.stdout.fileno(), b""
    output = select.poll()
    output.register(handle, select.POLLIN | select.POLLHUP)
    while True:
        if not output.poll(1000 * POLL):
            yield None
            continue
        if not (read := os.read(handle, 1 << 16)):
            return
        *whole, rest = (rest + read).split(b"\n")
        for line in whole:
            yield json.loads(line)


@contextmanager
def _log(file: Path) -> Iterator[TextIO]:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", buffering=1) as out:
        yield out


def _new_place(runs: Path, began: datetime, playbook: str) -> Path:
    """A new folder for a run's logs; the oldest ones make room for it."""
    place = runs / f"{began:%Y%m%dT%H%M%S.%fZ}-{Path(playbook).stem}"
    runs.mkdir(exist_ok=True, mode=0o700)
    place.mkdir(mode=0o700)
    for old in sorted(runs.iterdir())[:-KEPT]:
        shutil.rmtree(old)
    return place
