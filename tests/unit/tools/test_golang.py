"""What is asked of Go, and what is left alone."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from terp.command import CommandError
from terp.paths import PROJECT
from terp.tools.golang import Go, Running, number, without_direct


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [
        ("https://proxy.example,direct", "https://proxy.example"),
        ("https://one.example|https://two.example|direct", "https://one.example|https://two.example"),
        ("https://one.example,https://two.example", "https://one.example,https://two.example"),
        ("direct,https://one.example", "https://one.example"),
        ("https://one.example,direct|https://two.example", "https://one.example|https://two.example"),
        ("file:///srv/modules,off", "file:///srv/modules,off"),
        ("direct", "direct"),
        ("off", "off"),
    ],
)
def test_direct_is_taken_out_of_the_proxy_list(proxy: str, expected: str) -> None:
    assert without_direct(proxy) == expected


def test_versions_compare_as_numbers() -> None:
    assert number("go1.26.8") == (1, 26, 8)
    assert number("1.9") < number("go1.26.6")
    assert number("devel go1.28") == ()


def go(program: Path, tmp_path: Path) -> Go:
    return Go(program, "go1.26", "https://proxy.example", tmp_path, Running())


def test_the_user_s_settings_about_verification_reach_go_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    for name, value in {"GOFLAGS": "-x", "GONOSUMDB": "corp.example", "GOSUMDB": "sum.example"}.items():
        monkeypatch.setenv(name, value)
    env = go(Path("/usr/bin/go"), tmp_path).environment()
    assert (env["GOFLAGS"], env["GONOSUMDB"], env["GOSUMDB"]) == ("-x", "corp.example", "sum.example")
    assert env["GOMODCACHE"] == str(cache / "go" / "mod")
    assert env["GOCACHE"] == str(cache / "go" / "build")


def script(tmp_path: Path, text: str) -> Path:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


def test_a_run_gives_its_output_its_lines_and_its_cpu_time(tmp_path: Path) -> None:
    lines: list[str] = []
    busy = script(tmp_path, "echo one; echo two >&2; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")
    said, work = go(busy, tmp_path).run(("build",), tmp_path, 60, lines.append)
    assert lines == ["one", "two"] and said == "one\ntwo\n"
    assert work > 0.05


def test_a_failed_run_shows_what_was_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"(?s)exit code 3.*missing go.sum entry") as caught:
        go(script(tmp_path, "echo missing go.sum entry; exit 3"), tmp_path).run((), tmp_path, 60, print)
    assert caught.value.code == 3


def test_a_run_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    slow = script(tmp_path, f"sleep 300 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(CommandError, match="did not end in time"):
        go(slow, tmp_path).run((), tmp_path, 1, print)
    assert gone(int((tmp_path / "child").read_text()))


def test_ending_all_runs_starts_no_more(tmp_path: Path) -> None:
    slow = go(script(tmp_path, f"touch {tmp_path}/started; sleep 300"), tmp_path)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            slow.run((), tmp_path, 60, print)
        except CommandError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    end = time.monotonic() + 20
    while not (tmp_path / "started").exists() and time.monotonic() < end:
        time.sleep(0.05)
    slow.running.end()
    thread.join(20)
    assert len(errors) == 1
    with pytest.raises(InterruptedError):
        slow.run((), tmp_path, 60, print)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal")
def test_a_program_dies_with_terp_when_that_is_killed(tmp_path: Path) -> None:
    slow = script(tmp_path, f"echo $$ > {tmp_path}/pid; sleep 300")
    code = (
        "from pathlib import Path; from terp.tools.golang import Go, Running\n"
        f"here = Path({str(tmp_path)!r})\n"
        f"Go(Path({str(slow)!r}), '', '', here, Running()).run((), here, 60, print)\n"
    )
    terp = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": "platform"}, cwd=PROJECT
    )
    end = time.monotonic() + 20
    while not (tmp_path / "pid").exists() and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.1)
    terp.kill()
    terp.wait(10)
    assert gone(int((tmp_path / "pid").read_text()))


def gone(pid: int) -> bool:
    """No such process within five seconds; one that nobody waits for counts as gone."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False
