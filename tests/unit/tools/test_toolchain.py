"""From pins to programs."""

import fcntl
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from terp.beside import beside
from terp.cloud.process import wait_for
from terp.errors import TerpError
from terp.paths import PROJECT
from terp.progress import Progress
from terp.tools import sync
from terp.tools.prune import prune
from terp.tools.toolchain import alone, tools_dir

from .conftest import Heard, Site, pins


def test_tools_are_installed_and_run(site: Site, cache: Path, progress: Progress) -> None:
    toolchain = sync("test", progress, versions=pins(site.release("one"), site.release("two")))
    assert toolchain.bin.is_relative_to(cache)
    said = subprocess.run([toolchain.path("one")], capture_output=True, text=True, timeout=20, check=True)
    assert said.stdout == "hello\n"
    assert toolchain.env()["PATH"].split(os.pathsep)[0] == str(toolchain.bin)
    assert {each.source for each in toolchain.tools} == {"release"}


def test_a_second_run_asks_nobody(site: Site, cache: Path, progress: Progress, heard: Heard) -> None:
    versions = pins(site.release())
    first = sync("test", progress, versions=versions)
    asked, events = len(site.asked), len(heard.events)
    assert sync("test", progress, versions=versions) == first
    assert (len(site.asked), len(heard.events)) == (asked, events)


def test_a_program_that_does_not_belong_is_an_error_with_those_that_do(
    site: Site, cache: Path, progress: Progress
) -> None:
    toolchain = sync("test", progress, versions=pins(site.release("one")))
    with pytest.raises(TerpError, match="no program 'two'") as caught:
        toolchain.path("two")
    assert caught.value.hint == "there are: one"


def test_what_cannot_be_had_is_named_and_the_rest_is_installed(
    site: Site, cache: Path, progress: Progress, heard: Heard
) -> None:
    one, two, three = (site.release(name) for name in ("one", "two", "three"))
    del site.files["/releases/one-v1.0.tar.gz"], site.files["/releases/three-v1.0.tar.gz"]
    with pytest.raises(TerpError, match=r"(?s)2 tools could not be installed\none: .*404.*\nthree: "):
        sync("test", progress, versions=pins(one, two, three))
    assert heard.ends()["download one"][0] == "failed"
    assert sync("two", progress, versions=pins(two)).path("two").exists()


def test_a_refused_download_says_that_a_build_follows_and_space_is_checked_first(
    site: Site, cache: Path, progress: Progress, heard: Heard
) -> None:
    tool = site.release(build={"work": 1, "disk": 10**9})
    site.files.clear()
    with pytest.raises(TerpError, match=r"GiB are free .* takes up to 1000000000 GiB") as caught:
        sync("test", progress, versions=pins(tool))
    assert "terp tools prune" in caught.value.hint
    assert heard.ends()["download hello"][1].endswith("404 Not Found; it is built instead")


def test_a_harmed_tool_is_installed_again(site: Site, cache: Path, progress: Progress) -> None:
    versions = pins(site.release())
    program = sync("test", progress, versions=versions).path("hello")
    program.chmod(0o755)
    program.write_text("harmed")
    again = sync("test", progress, versions=versions).path("hello")
    assert again.read_text().endswith("echo hello\n")


def test_leftovers_of_a_killed_run_are_removed(site: Site, cache: Path, progress: Progress) -> None:
    leftover = cache / "tools" / "temporary" / "tmpkilled" / "source"
    leftover.mkdir(parents=True)
    sync("test", progress, versions=pins(site.release()))
    assert list((cache / "tools" / "temporary").iterdir()) == []


def hold(root: Path, seconds: float) -> None:
    with alone(root, lambda _: None):
        (root / "held").touch()
        time.sleep(seconds)


def held(root: Path, seconds: float) -> multiprocessing.Process:
    holder = multiprocessing.get_context("fork").Process(target=hold, args=(root, seconds))
    holder.start()
    end = time.monotonic() + 20
    while not (root / "held").exists() and time.monotonic() < end:
        time.sleep(0.02)
    return holder


def test_a_second_run_waits_and_says_for_whom(tmp_path: Path) -> None:
    said: list[str] = []
    holder = held(tmp_path, 1.0)
    with alone(tmp_path, said.append, patience=20):
        pass
    holder.join(10)
    assert said[0] == f"waits for another run (process {holder.pid}) that changes the tools"


def test_waiting_has_an_end(tmp_path: Path) -> None:
    holder = held(tmp_path, 60)
    try:
        with (
            pytest.raises(TerpError, match=f"process {holder.pid}"),
            alone(tmp_path, lambda _: None, patience=0.2),
        ):
            pass
    finally:
        holder.kill()
        holder.join(10)


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    holder = held(tmp_path, 60)
    holder.kill()
    holder.join(10)
    with alone(tmp_path, lambda _: None, patience=1.0):
        pass


def test_pruning_frees_the_caches_and_keeps_the_tools(site: Site, cache: Path, progress: Progress) -> None:
    versions = pins(site.release())
    toolchain = sync("test", progress, versions=versions)
    module = cache / "go" / "mod" / "example.org" / "m@v1"
    module.mkdir(parents=True)
    (module / "m.go").write_bytes(b"x" * 100_000)
    module.chmod(0o555)
    compiled = cache / "go" / "build" / "00"
    compiled.mkdir(parents=True)
    (compiled / "a").write_bytes(b"x" * 50_000)
    freed = {each.what: each.size for each in prune(lambda _: None)}
    assert freed["Go modules"] >= 100_000 and freed["compiled packages"] >= 50_000
    assert freed["release files"] > 0
    assert not (cache / "go" / "mod").exists() and not (cache / "go" / "build").exists()
    assert toolchain.path("hello").exists()
    assert sync("test", progress, versions=versions) == toolchain


def test_pruning_refuses_while_another_run_is_at_work(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("terp.tools.prune.PATIENCE", 0.1)
    tools_dir().mkdir(parents=True)
    with (tools_dir() / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TerpError, match="another run"):
            prune(lambda _: None)


def test_asking_for_tools_that_are_there_loads_no_http_client() -> None:
    code = "import sys, terp.tools; print(sorted({'httpx', 'openstack', 'pulumi'} & set(sys.modules)))"
    env = {**os.environ, "PYTHONPATH": "platform"}
    run = [sys.executable, "-c", code]
    said = subprocess.run(run, env=env, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout == "[]\n"


def test_builds_end_with_the_work_that_they_run_beside(
    site: Site, cache: Path, tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(
        '#!/bin/sh\n[ "$1" = env ] && exec echo \'{"GOVERSION": "go9.9", "GOPROXY": "off"}\'\n'
        f"touch {tmp_path}/builds; exec sleep 300\n"
    )
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}{os.pathsep}{os.environ['PATH']}")
    versions = pins(site.release("pulumi", build={"work": 1, "disk": 1}))
    site.files.clear()
    with pytest.raises(KeyboardInterrupt), beside(lambda: sync("test", progress, versions=versions)):
        wait_for("the build", (tmp_path / "builds").exists, 20, 0.02)
        start = time.monotonic()
        raise KeyboardInterrupt
    assert time.monotonic() - start < 20
    with alone(tools_dir(), lambda _: None, patience=0.1):
        assert list((cache / "tools" / "temporary").iterdir()) == []


def test_waiting_for_another_run_ends_with_the_work_that_it_runs_beside(tmp_path: Path) -> None:
    def wait() -> None:
        with alone(tmp_path, lambda _: None):
            pass

    holder = held(tmp_path, 60)
    try:
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt), beside(wait):
            raise KeyboardInterrupt
        assert time.monotonic() - start < 20
    finally:
        holder.kill()
        holder.join(10)
