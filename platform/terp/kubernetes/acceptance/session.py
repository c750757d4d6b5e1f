"""One run of the checks: pytest, with what it says as results and progress."""

import os
import time
from pathlib import Path

import pytest

from terp.errors import TerpError
from terp.kubernetes.acceptance.api import Api
from terp.kubernetes.acceptance.model import Report, Result, Target
from terp.progress import Progress, Task

CHECKS = Path(__file__).with_name("checks")
LIMIT = 300
"""Seconds for one check, should one of its own limits fail."""
TARGET = pytest.StashKey[Target]()
API = pytest.StashKey[Api]()
SENTENCES = {"passed": "passed", "failed": "failed", "skipped": "not applicable"}


class Recorder:
    """Hands a target to the checks, and keeps what came of them."""

    def __init__(self, target: Target, api: Api, task: Task) -> None:
        self.results: list[Result] = []
        self._target = target
        self._api = api
        self._task = task
        self._seconds = 0.0
        self._total = 1

    def pytest_configure(self, config: pytest.Config) -> None:
        """Where the checks find what they are about."""
        config.stash[TARGET] = self._target
        config.stash[API] = self._api

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """How many there will be."""
        self._total = len(session.items) or 1

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """One begins."""
        self._seconds = 0.0
        self._task.update(sentence(nodeid), len(self.results) / self._total)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A part of one has ended: what prepares it, itself, or what clears up after it."""
        self._seconds += report.duration
        if report.when == "call" or report.outcome != "passed":
            name = sentence(report.nodeid)
            before = next((each for each in self.results if each.check == name), None)
            if before is None or before.outcome != "failed":
                self.results = [each for each in self.results if each is not before]
                outcome = SENTENCES[report.outcome]
                self.results.append(
                    Result.model_validate(
                        {
                            "check": name,
                            "outcome": outcome,
                            "reason": reason(report),
                            "seconds": round(self._seconds, 2),
                        }
                    )
                )


def run(target: Target, progress: Progress, only: str = "") -> Report:
    """Run the checks, or those alone that `only` chooses, as pytest's -k does.

    Raises:
        TerpError: the API does not answer, or there is no such check (exit code 2).
    """
    start = time.monotonic()
    api = Api(target.kubeconfig)
    try:
        with progress.task(f"test {target.name}") as task:
            recorder = Recorder(target, api, task)
            code = pytest.main([*_arguments(), "-k", only, str(CHECKS)], plugins=[recorder])
    finally:
        api.close()
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise TerpError(
            f"no check was run: {pytest.ExitCode(code).name.lower().replace('_', ' ')}", exit_code=2
        )
    return Report(cluster=target.name, results=tuple(recorder.results), seconds=time.monotonic() - start)


def sentence(nodeid: str) -> str:
    """`every node is ready` of `test_nodes.py::test_every_node_is_ready`."""
    return nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")


def reason(report: pytest.TestReport) -> str:
    """Why a check did not pass, without the code that says so."""
    if report.skipped:
        return str(report.longrepr[2]).removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
    crash = getattr(report.longrepr, "reprcrash", None)
    message = str(getattr(crash, "message", report.longrepr or ""))
    return message.partition(": ")[2] if message.partition(": ")[0].endswith(("Error", "Failed")) else message


def _arguments() -> list[str]:
    """Nothing of where it is run, and nothing printed."""
    return [
        *("-c", os.devnull, "--rootdir", str(CHECKS), "--import-mode", "importlib"),
        *("-p", "no:cacheprovider", "-p", "no:terminal", "--assert=plain", f"--timeout={LIMIT}"),
    ]
