"""What a run leaves behind, and what not."""

import base64
import stat
import threading
import time
from pathlib import Path

from terp.kubernetes.runner.processes import processes
from terp.kubernetes.runner.runner import KEPT
from tests.integration.runner.conftest import Cluster, node

CANARY = "canary-{{ 7*7 }} \"quoted\" 'and' \\ ünïcode"


def test_no_secret_is_left_in_files_logs_moments_or_command_lines(cluster: Cluster, monkeypatch):
    monkeypatch.setenv("OS_PASSWORD", "canary-of-the-environment")
    cluster.secrets = {"token": CANARY}
    seen: set[bytes] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            for pid in processes(cluster.folder):
                for name in ("cmdline", "environ"):
                    try:
                        seen.add(Path(f"/proc/{pid}/{name}").read_bytes())
                    except OSError:
                        continue
            time.sleep(0.02)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        record = cluster.run("secrets.yml", expected=base64.b64encode(CANARY.encode()).decode())
    finally:
        ended.set()
        looking.join()
    assert record.failure
    assert record.failure.message == "cannot log in with [secret]"
    assert record.failure.host == "worker-1"
    assert any("Use a secret as" in moment.task for moment in cluster.told)
    assert "the token is [secret]" in record.log.read_text()
    assert seen
    assert not [each for each in seen if b"canary" in each]
    assert not [moment for moment in cluster.told if "canary" in moment.line() + moment.sentence]
    for place in (cluster.folder, *cluster.folder.rglob("*")):
        assert stat.S_IMODE(place.stat().st_mode) & 0o077 == 0, place
    files = [file for file in cluster.folder.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"log.txt", "events.jsonl", "runs.jsonl", "lock", "facts.json"}
    assert not [file for file in files if b"canary" in file.read_bytes() or b"Canary" in file.read_bytes()]


def known(cluster: Cluster) -> set[str]:
    """The hosts whose facts are kept."""
    return {file.name.rpartition("_")[2] for file in (cluster.folder / "facts").iterdir()}


def test_facts_of_hosts_that_were_replaced_or_are_gone_are_forgotten(cluster: Cluster):
    first, second, third = node("cp-1", 1), node("worker-1", 2), node("worker-2", 3)
    cluster.nodes = (first, second, third)
    assert cluster.run("facts.yml").result == "ok"
    assert known(cluster) == {"cp-1", "worker-1", "worker-2"}
    cluster.nodes = (first, node("worker-1", 2, "ssh-ed25519 ANOTHER"))
    record = cluster.run("facts.yml", limit=("cp-1",))
    assert record.result == "ok"
    assert known(cluster) == {"cp-1"}
    notes = " ".join(moment.note for moment in cluster.told)
    assert "worker-1 is another host than before" in notes


def test_the_oldest_logs_make_room(cluster: Cluster):
    runs = cluster.folder / "runs"
    for number in range(KEPT + 5):
        (runs / f"20200101T0000{number:02}.000000Z-cluster").mkdir(parents=True)
    record = cluster.run("facts.yml")
    assert len(list(runs.iterdir())) == KEPT
    assert record.log.exists()
