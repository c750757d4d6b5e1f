"""The trees that hosts stand on are made without touching the machine, by whom and however interrupted."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from terp.cloud.cached import mounts_under
from terp.cloud.packages import LIST, libraries
from terp.command import Command
from terp.paths import PROJECT

pytestmark = pytest.mark.hosts

BUILD = """
import sys
from pathlib import Path
import structlog
from rich.console import Console
from terp.cloud.{module} import {module}
from terp.progress import progress_for
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
with progress_for(Console(file=sys.stderr), Path(sys.argv[1]) / "timings.json") as progress:
    print({call})
"""


def builder(cache: Path, module: str, call: str, *prefix: str) -> subprocess.Popen[str]:
    """Another process that builds into its own cache."""
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", BUILD.format(module=module, call=call), str(cache)],
        env={**os.environ, "TERP_CACHE": str(cache), "PYTHONPATH": str(PROJECT / "platform")},
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        start_new_session=True,
    )


def apt_state() -> list[tuple[str, int]]:
    """What apt and dpkg of the machine have on disk."""
    folders = [Path(name) for name in ("/var/lib/apt", "/var/lib/dpkg", "/var/cache/apt")]
    return sorted((str(path), path.lstat().st_mtime_ns) for folder in folders for path in folder.rglob("*"))


def test_packages_are_unpacked_by_an_ordinary_user_who_then_runs_the_database(tmp_path: Path) -> None:
    ordinary = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    assert Command((*ordinary, "id", "-u")).output() == "1000"
    before = apt_state()
    process = builder(tmp_path, "packages", "packages(progress)", *ordinary)
    root = Path(process.communicate(timeout=240)[0].strip())
    assert process.returncode == 0
    assert "mariadb-server " in (root / LIST).read_text()
    mariadb = Command((*ordinary, str(root / "usr/sbin/mariadbd")), env=libraries(root))
    assert "MariaDB" in mariadb.output("--no-defaults", "--version")
    assert apt_state() == before
    assert [path.name for path in root.parent.iterdir() if not path.name.startswith(".")] == [root.name]


@pytest.mark.timeout(1200)
def test_a_build_of_the_image_that_is_killed_leaves_nothing_and_is_made_anew(
    trees: tuple[Path, Path], tmp_path: Path
) -> None:
    call = f"image(Path({str(trees[0])!r}), progress)"
    temporary = set(Path(tempfile.gettempdir()).iterdir())
    killed = builder(tmp_path, "image", call)
    images = tmp_path / "images"
    end = time.monotonic() + 240
    while not list(images.glob("*.building/tree/usr/bin/dpkg")):
        assert time.monotonic() < end
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=10)
    time.sleep(1)
    assert mounts_under(tmp_path) == []
    mentions = [p for p in Path("/proc").glob("[0-9]*") if str(tmp_path).encode() in _cmdline(p)]
    assert mentions == []
    assert not [
        path
        for path in Path(tempfile.gettempdir()).iterdir()
        if path not in temporary and "mmdeb" in path.name
    ]

    again = builder(tmp_path, "image", call)
    tree = Path(again.communicate(timeout=1100)[0].strip())
    assert again.returncode == 0
    assert not list(images.glob("*.building"))
    assert (tree / "etc/machine-id").read_text() == ""
    assert not list(tree.glob("etc/ssh/ssh_host_*"))
    assert (tree / "var/lib/cloud/seed/config_drive").is_symlink()
    masked = tree / "etc/systemd/system/systemd-udevd.service"
    assert str(masked.readlink()) == "/dev/null"


def _cmdline(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
