"""The steps of a build: what is heard, and a network that fails in between."""

from pathlib import Path

import pytest

from terp.command import CommandError
from terp.progress import Progress
from terp.tools.build import COMPILED, Steps
from terp.tools.golang import Go, Running

from .conftest import Heard


def go(tmp_path: Path, text: str) -> Go:
    program = tmp_path / "go"
    program.write_text(f"#!/bin/sh\necho x >> {tmp_path}/calls\n{text}\n")
    program.chmod(0o755)
    return Go(program, "go1.27", "https://proxy.example", tmp_path, Running())


def calls(tmp_path: Path) -> int:
    return (tmp_path / "calls").read_text().count("x")


def test_a_network_that_fails_once_is_asked_again(tmp_path: Path, progress: Progress, heard: Heard) -> None:
    fails_once = 'if [ $(wc -l < calls) = 1 ]; then echo "dial tcp 192.0.2.1:443: i/o timeout"; exit 1; fi'
    with progress.task("build") as task:
        steps = Steps(go(tmp_path, f"{fails_once}\necho fine"), tmp_path, task, pause=0.01)
        assert steps.run(("build",), lambda _: None) == "fine\n"
    assert calls(tmp_path) == 2
    assert any("attempt 2 of 3" in event.detail for event in heard.events)


def test_a_network_that_stays_away_ends_the_build(tmp_path: Path, progress: Progress) -> None:
    with progress.task("build") as task, pytest.raises(CommandError, match="no route to host"):
        Steps(go(tmp_path, "echo no route to host; exit 1"), tmp_path, task, pause=0.01).run((), print)
    assert calls(tmp_path) == 3


@pytest.mark.parametrize("said", ["undefined: x", "checksum mismatch", "missing go.sum entry"])
def test_another_failure_is_final(tmp_path: Path, progress: Progress, said: str) -> None:
    with progress.task("build") as task, pytest.raises(CommandError, match=said):
        Steps(go(tmp_path, f"echo '{said}'; exit 1"), tmp_path, task, pause=0.01).run((), print)
    assert calls(tmp_path) == 1


def test_compiling_tells_how_far_it_is(tmp_path: Path, progress: Progress, heard: Heard) -> None:
    listed = 'echo "go: downloading example.org/m v1.2.3"; echo a; echo b'
    text = f'case $1 in list) {listed};; *) echo "# a"; echo a; echo b;; esac'
    with progress.task("build") as task:
        steps = Steps(go(tmp_path, text), tmp_path, task)
        steps.compile("build", ".")
    told = [(event.detail, event.fraction) for event in heard.events if event.detail]
    assert ("module 1: example.org/m", None) in told
    assert ("package 1 of 2", COMPILED / 2) in told
    assert ("package 2 of 2", COMPILED) in told
    assert steps.work > 0
