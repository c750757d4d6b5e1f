"""A host that is reached by SSH, as real ones are."""

import contextlib
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from terp.cloud.image import image
from terp.cloud.packages import packages
from terp.command import CommandError
from terp.kubernetes.model import Node
from terp.kubernetes.runner import Access, Installation, Runner
from terp.kubernetes.runner.processes import processes
from terp.kubernetes.shell import UnreachableError, shell
from terp.paths import cache_dir
from terp.progress import progress_for
from tests.integration.runner.conftest import run_of

pytestmark = pytest.mark.hosts
ADDRESS = "127.86.0.1"
ENTER = """
set -eu
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
cd "$2/root"
mount --rbind /proc proc
mount --rbind /dev dev
mkdir -p run/sshd root/.ssh
install -m 0600 "$3.pub" root/.ssh/authorized_keys
install -m 0600 "$3" etc/ssh/host_key
exec chroot . /usr/sbin/sshd -D -e -o ListenAddress="$4" -o HostKey=/etc/ssh/host_key -o UsePAM=no \\
  -o PermitRootLogin=yes -o PidFile=none
"""
"""A tree with sshd in it, without a boot."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[tuple[Node, str]]:
    """A node, and the private key that opens it."""
    with progress_for(Console(file=sys.stderr), cache_dir() / "timings.json") as progress:
        tree = image(packages(progress), progress)
    key, place = tmp_path / "key", tmp_path / "host"
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
    subprocess.run(argv, check=True, timeout=10)
    for folder in ("upper", "work", "root"):
        (place / folder).mkdir(parents=True)
    node = Node(
        name="cp-1",
        roles=("control-plane", "etcd"),
        address=ADDRESS,
        access_address=ADDRESS,
        user="root",
        host_key=" ".join((tmp_path / "key.pub").read_text().split()[:2]),
    )
    enter = ["unshare", "--mount", "--propagation=private", "sh", "-c", ENTER, "sh"]
    with (tmp_path / "sshd.log").open("w") as log:
        daemon = subprocess.Popen([*enter, tree, place, key, ADDRESS], stdout=log, stderr=log)
        try:
            wait_for(node, key.read_text())
            yield node, key.read_text()
        finally:
            daemon.terminate()
            daemon.wait(10)


def wait_for(node: Node, key: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    with shell((node,), None, key) as on:
        while True:
            try:
                on.run(node, "true")
            except UnreachableError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
            else:
                return


def test_cancelling_ends_the_connections_too(
    installation: Installation, host: tuple[Node, str], tmp_path: Path
):
    node, key = host
    folder, stop, seen = tmp_path / "demo", threading.Event(), []
    duration = f"300.{secrets.randbelow(10**9):09}"  # nobody else's: the host sees all of this machine

    def end_it() -> None:
        with shell((node,), None, key) as on:
            end = time.monotonic() + 30
            while time.monotonic() < end:
                try:
                    on.run(node, f"pgrep -x -f 'sleep {duration}'")
                except CommandError:
                    continue
                break
            for pid in processes(folder):
                with contextlib.suppress(OSError):  # it ended meanwhile
                    seen.append(Path(f"/proc/{pid}/cmdline").read_bytes())
            stop.set()

    watcher = threading.Thread(target=end_it)
    watcher.start()
    runner = Runner(folder, installation, Access(key))
    record = runner.run(run_of("wait.yml", (node,), duration=duration), {}, {}, lambda _: None, stop)
    watcher.join()
    with shell((node,), None, key) as on:
        on.run(node, f"pkill -x -f 'sleep {duration}'")
    assert record.result == "cancelled"
    assert any(title.startswith((b"ssh: ", b"ssh\0")) for title in seen), seen
    assert processes(folder) == []


def test_a_host_with_another_key_is_not_talked_to(
    installation: Installation, host: tuple[Node, str], tmp_path: Path
):
    node, key = host
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3yXk1fX9g6mQm8S2n0cZpQ7q6o7m3Zs1mQ2k5x0a1b"
    runner = Runner(tmp_path / "demo", installation, Access(key))
    run = run_of("facts.yml", (node.model_copy(update={"host_key": other}),))
    record = runner.run(run, {}, {}, lambda _: None, threading.Event())
    assert record.result == "failed"
    assert record.failure
    assert "another key" in record.failure.remedy
