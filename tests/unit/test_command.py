import os
import signal
import time
from pathlib import Path

import pytest

from terp import command
from terp.command import NOT_STARTED, SHOWN, Command, CommandError

SHELL = Command(("sh", "-c"), timeout=20)


def ends(pid: int, within: float = 10) -> bool:
    """The process is gone, or a zombie that its new parent has not buried yet."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def pid_in(file: Path, within: float = 10) -> int:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if file.exists() and file.read_text().endswith("\n"):
            return int(file.read_text())
        time.sleep(0.02)
    raise AssertionError(f"{file} was not written")


def test_output_is_what_the_program_printed():
    assert SHELL.output("echo one; echo two >&2") == "one"


def test_any_bytes_become_a_file_that_its_owner_alone_reads(tmp_path: Path):
    file = tmp_path / "file"
    SHELL.write_to(file, r"printf '\377\000\n'; echo word >&2")
    assert file.read_bytes() == b"\xff\x00\n"
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="word"):
        SHELL.write_to(tmp_path / "other", "echo word >&2; exit 3")


def test_standard_input_reaches_the_program():
    assert Command(("cat",)).output(stdin="grüße") == "grüße"


def test_an_argument_is_never_read_by_a_shell():
    assert Command(("echo",)).output("$HOME; ls", Path("a b")) == "$HOME; ls a b"


def test_a_program_that_ignores_its_input_is_no_error():
    assert Command(("true",)).output(stdin="x" * 1_000_000) == ""


def test_a_failure_says_what_ran_how_it_ended_and_what_it_said():
    with pytest.raises(CommandError) as raised:
        SHELL.run("echo out; echo 'no such thing' >&2; exit 3")
    assert raised.value.code == 3
    assert raised.value.output == "no such thing\n"
    assert "exit code 3\nno such thing" in str(raised.value)
    assert str(raised.value).startswith("sh -c ")


def test_a_failure_without_an_error_message_repeats_the_output():
    with pytest.raises(CommandError, match="only here"):
        SHELL.run("echo only here; exit 1")


def test_an_error_repeats_the_end_of_a_long_output():
    with pytest.raises(CommandError) as raised:
        SHELL.run("seq 10000 >&2; exit 1")
    assert len(str(raised.value)) < SHOWN + 200
    assert "9999\n10000" in str(raised.value)


def test_an_unchecked_failure_is_the_callers_business():
    assert SHELL.run("exit 4", check=False).returncode == 4


def test_a_signal_is_told_from_a_time_out():
    with pytest.raises(CommandError, match="killed by SIGKILL") as raised:
        SHELL.run("kill -9 $$")
    assert raised.value.code == -signal.SIGKILL


def test_a_signal_is_told_from_a_time_out_in_a_log_too(tmp_path: Path):
    with pytest.raises(CommandError, match="killed by SIGHUP"):
        SHELL.log_to(tmp_path / "log", "kill -1 $$")


@pytest.mark.parametrize("program", ["/nowhere/at/all", "/etc/passwd"])
def test_a_program_that_cannot_start_is_an_error_of_its_own(program: str, tmp_path: Path):
    for run in (lambda: Command((program,)).run(), lambda: Command((program,)).log_to(tmp_path / "log")):
        with pytest.raises(CommandError) as raised:
            run()
        assert raised.value.code == NOT_STARTED
        assert program in str(raised.value)


def test_a_working_directory_that_is_not_there_is_an_error_of_its_own(tmp_path: Path):
    with pytest.raises(CommandError, match="nowhere"):
        Command(("true",), cwd=tmp_path / "nowhere").run()


def test_the_program_runs_where_it_is_told(tmp_path: Path):
    assert Command(("pwd",), cwd=tmp_path).output() == str(tmp_path)


def test_a_time_out_ends_all_that_the_program_started(tmp_path: Path):
    with pytest.raises(CommandError, match="did not end in time") as raised:
        SHELL.run(f"echo begun >&2; sleep 600 & echo $! >{tmp_path}/child; wait", timeout=1)
    assert raised.value.code is None
    assert "begun" in str(raised.value)
    assert ends(pid_in(tmp_path / "child"))


def test_a_time_out_ends_what_lives_on_after_its_parent(tmp_path: Path):
    with pytest.raises(CommandError, match="did not end in time"):
        SHELL.run(f"sleep 600 & echo $! >{tmp_path}/child", timeout=1)  # the child holds the pipe
    assert ends(pid_in(tmp_path / "child"))


def test_a_time_out_of_a_logged_program_ends_its_group_too(tmp_path: Path):
    with pytest.raises(CommandError, match="did not end in time"):
        SHELL.log_to(tmp_path / "log", f"sleep 600 & echo $! >{tmp_path}/child; wait", timeout=1)
    assert ends(pid_in(tmp_path / "child"))


def test_a_program_may_clean_up_at_its_time_limit(tmp_path: Path):
    with pytest.raises(CommandError, match="did not end in time"):
        SHELL.run(f"trap 'echo bye >{tmp_path}/said; exit' TERM; while :; do sleep 0.1; done", timeout=1)
    assert (tmp_path / "said").read_text() == "bye\n"


def test_a_program_that_ignores_its_time_limit_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(command, "GRACE", 0.3)
    with pytest.raises(CommandError, match="did not end in time"):
        SHELL.run(f"trap '' TERM; echo $$ >{tmp_path}/pid; while :; do sleep 0.1; done", timeout=0.5)
    assert ends(pid_in(tmp_path / "pid"))


def test_an_interrupt_ends_the_program(tmp_path: Path):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        with pytest.raises(KeyboardInterrupt):
            SHELL.run(f"echo $$ >{tmp_path}/pid; sleep 600")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert ends(pid_in(tmp_path / "pid"))


def test_a_limit_of_this_run_goes_before_the_programs_own():
    assert Command(("sleep",), timeout=0.1).output("0.3", timeout=10) == ""


def test_without_a_list_the_program_sees_the_callers_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CANARY", "seen")
    assert SHELL.output("echo $CANARY") == "seen"


def test_a_secret_in_the_environment_does_not_travel(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CANARY", "secret")
    monkeypatch.setenv("LANG", "C.UTF-8")
    scrubbed = Command(("env",), only=frozenset({"PATH", "LANG"}), env={"MORE": "1"}).output()
    assert set(scrubbed.splitlines()) == {f"PATH={os.environ['PATH']}", "LANG=C.UTF-8", "MORE=1"}


def test_a_log_keeps_both_outputs_and_what_was_there(tmp_path: Path):
    log = tmp_path / "logs" / "it.log"
    SHELL.log_to(log, "echo one; echo two >&2")
    SHELL.log_to(log, "echo three")
    assert log.read_text() == "one\ntwo\nthree\n"


def test_a_failed_logged_program_repeats_its_own_last_words_and_names_the_log(tmp_path: Path):
    log = tmp_path / "it.log"
    log.write_text("of an earlier run\n")
    with pytest.raises(CommandError) as raised:
        SHELL.log_to(log, "echo broken; exit 5")
    assert raised.value.code == 5
    assert "broken" in str(raised.value)
    assert "earlier" not in str(raised.value)
    assert str(log) in raised.value.hint


def test_output_that_is_not_text_is_no_error():
    assert SHELL.output(r"printf '\377ok'").endswith("ok")
