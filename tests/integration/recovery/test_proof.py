"""A set of genuine keys, a state of Pulumi and a snapshot of etcd: proved whole, and each damage found."""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from nacl.secret import SecretBox

from terp.command import Command
from terp.kubernetes.keys import ENCRYPTION
from terp.progress import Progress
from terp.recovery import contents
from terp.recovery.backup import write
from terp.recovery.check import Check
from terp.recovery.etcd import NAMESPACES, OF_NODES, SEALED, SECRETS, TOOLS, Etcd
from terp.recovery.gathering import Gathered, pack
from terp.recovery.proof import prove
from terp.recovery.sets import LATEST, Sets
from terp.recovery.state import reveal, without_cloud
from terp.recovery.store import Directory
from terp.tools import Toolchain, sync
from tests.integration.gitops.processes import Processes, free_port
from tests.integration.tools.conftest import stack, toolchain
from tests.unit.recovery.samples import KEY, gathered, ssh_key, texts, work_tree

__all__ = ["stack", "toolchain"]
pytestmark = [pytest.mark.tools, pytest.mark.timeout(600)]
STACK = "test"  # as that of `tests.integration.tools.conftest`
NUMBER = 250
"""More Secrets than one answer of etcd has (`terp.recovery.etcd.PAGE`)."""
TOKEN = texts()[ENCRYPTION]
SSH = ssh_key()
PROGRAM = f"""
import pulumi, pulumi_random as random
random.RandomPassword("encryption-key", length=32, special=False)
pulumi.export("private_key", pulumi.Output.secret({SSH!r}))
"""


@pytest.fixture(scope="module")
def etcd(progress: Progress) -> Toolchain:
    return sync(TOOLS, progress)


@pytest.fixture(scope="module")
def state(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A state as Pulumi exports it, its passphrase, and the keys that are in it."""
    make = stack.__wrapped__(toolchain, tmp_path_factory.mktemp("pulumi"))  # type: ignore[attr-defined]
    pulumi: Command = make(PROGRAM)
    pulumi.run("up", "--yes", "--skip-preview", "--stack", STACK)
    outputs = json.loads(pulumi.output("stack", "export", "--show-secrets", "--stack", STACK))
    password = next(
        each for each in outputs["deployment"]["resources"] if each["urn"].endswith("::encryption-key")
    )
    return {
        contents.STATE: pulumi.output("stack", "export", "--stack", STACK),
        contents.PASSPHRASE: pulumi.env["PULUMI_CONFIG_PASSPHRASE"],
        contents.PRIVATE_KEY: SSH,
        ENCRYPTION: json.loads(password["outputs"]["result"]["plaintext"]),
    }


@pytest.fixture(scope="module")
def snapshot(
    etcd: Toolchain, state: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A snapshot of an etcd that has Secrets as Kubernetes encrypts them."""
    root = tmp_path_factory.mktemp("etcd")
    processes = Processes(etcd, root)
    clients, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    flags = {
        "data-dir": root / "data",
        "listen-client-urls": clients,
        "advertise-client-urls": clients,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"default={peers}",
    }
    try:
        processes.start("etcd", "server", flags)
        with httpx.Client(base_url=clients) as client:
            processes.wait_for("etcd", client, "/health")
        etcdctl = Command((str(etcd.path("etcdctl")), "--endpoints", clients), timeout=60)
        box = SecretBox(state[ENCRYPTION].encode())
        for number in range(NUMBER):
            name = f"{SECRETS.decode()}default/secret-{number:04}"
            sealed = SEALED + b"key:" + box.encrypt(f"value {number}".encode())
            _put(clients, name.encode(), sealed)
        for prefix in OF_NODES:
            _put(clients, prefix + b"node", b"where it was")
        for name in (b"default", b"kube-system"):
            _put(clients, NAMESPACES + name, b"a namespace")
        etcdctl.run("snapshot", "save", root / "snapshot.db")
    finally:
        processes.stop()
    yield root / "snapshot.db"


def _put(url: str, key: bytes, value: bytes) -> None:
    texts = {name: base64.b64encode(each).decode() for name, each in (("key", key), ("value", value))}
    httpx.post(f"{url}/v3/kv/put", json=texts, timeout=30).raise_for_status()


class Disk:
    """Sets of what was gathered."""

    def __init__(self, folder: Path, parts: dict[str, str], snapshot: Path, revision: int) -> None:
        self._folder, self._parts, self._snapshot, self._revision = folder, parts, snapshot, revision
        (folder / "disk").mkdir()
        self.sets = Sets(Directory(folder / "disk", STACK))
        self._tree = work_tree(folder / "tree")

    def gathered(self, **parts: str) -> Gathered:
        folder = self._folder / "gathered"
        folder.mkdir()
        found = gathered(folder, {**self._parts, **parts})
        found.etcd_revision = self._revision
        pack(self._tree, found.place(contents.WORK_TREE))
        found.place(contents.SNAPSHOT).write_bytes(self._snapshot.read_bytes())
        return found

    def proved(self, found: Gathered, progress: Progress) -> dict[str, Check]:
        write(self.sets, STACK, found, (str(KEY.to_public()),))
        checks = prove(self.sets, self.sets.find(LATEST), [KEY], progress)
        return {each.what: each for each in checks}


@pytest.fixture
def disk(
    state: dict[str, str],
    snapshot: Path,
    etcd: Toolchain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Disk:
    monkeypatch.setenv("TERP_STATE", str(tmp_path / "state"))
    return Disk(tmp_path, {**texts(), **state}, snapshot, Etcd(etcd).revision(snapshot))


def problems(checks: dict[str, Check]) -> dict[str, str]:
    return {what: check.problem for what, check in checks.items() if check.problem}


def test_a_whole_set_is_proved_and_nothing_of_it_is_left(
    disk: Disk, progress: Progress, tmp_path: Path
) -> None:
    checks = disk.proved(disk.gathered(), progress)
    assert problems(checks) == {}
    assert checks["the Secrets in the snapshot open"].said == (
        f"{NUMBER} of {NUMBER} encrypted ones, {NUMBER} Secrets"
    )
    assert checks["the keys are those that the state records"].said == "2 keys"
    assert [file.name for file in (tmp_path / "state").rglob("*") if file.is_file()] == ["lock"]


def test_another_passphrase_does_not_open_the_state(disk: Disk, progress: Progress) -> None:
    checks = disk.proved(disk.gathered(**{contents.PASSPHRASE: "another"}), progress)
    assert list(problems(checks)) == ["the state opens with its passphrase"]
    assert "incorrect passphrase" in checks["the state opens with its passphrase"].problem


def test_a_passphrase_of_this_machine_is_not_taken_instead(
    disk: Disk, state: dict[str, str], progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", state[contents.PASSPHRASE])
    checks = disk.proved(disk.gathered(**{contents.PASSPHRASE: "another"}), progress)
    assert list(problems(checks)) == ["the state opens with its passphrase"]


def test_a_key_that_opens_no_secret_of_the_snapshot_is_found_twice(disk: Disk, progress: Progress) -> None:
    checks = disk.proved(disk.gathered(**{ENCRYPTION: "o" * 32}), progress)
    assert problems(checks) == {
        "the keys are those that the state records": f"{ENCRYPTION}: another key",
        "the Secrets in the snapshot open": f"{NUMBER} of {NUMBER} do not open with the key",
    }


def test_a_snapshot_with_a_changed_byte_is_found(disk: Disk, progress: Progress) -> None:
    found = disk.gathered()
    with found.files[contents.SNAPSHOT].open("r+b") as file:
        file.seek(-4096, os.SEEK_END)
        byte = file.read(1)
        file.seek(-4096, os.SEEK_END)
        file.write(bytes([byte[0] ^ 1]))
    # its digest or a page that does not fit: which of them depends on what the byte was of
    assert list(problems(disk.proved(found, progress))) == ["etcdutl restores the snapshot"]


def test_a_snapshot_of_another_moment_is_found(disk: Disk, progress: Progress) -> None:
    found = disk.gathered()
    found.etcd_revision = 3
    checks = disk.proved(found, progress)
    assert list(problems(checks)) == ["etcdutl restores the snapshot"]
    assert "instead of 3" in checks["etcdutl restores the snapshot"].problem


def test_a_snapshot_is_taken_elsewhere_without_its_nodes(
    snapshot: Path, state: dict[str, str], etcd: Toolchain, tmp_path: Path
) -> None:
    programs, new = Etcd(etcd), tmp_path / "new.db"
    assert programs.without_nodes(snapshot, tmp_path, new) == ("default", "kube-system")
    programs.restore(new, tmp_path / "elsewhere")
    found = programs.secrets(tmp_path / "elsewhere", state[ENCRYPTION].encode())
    assert (found.all, found.opened) == (NUMBER, NUMBER)
    with programs._serving(tmp_path / "elsewhere") as (client, _):
        for prefix in OF_NODES:
            key = base64.b64encode(prefix + b"node").decode()
            assert "kvs" not in client.post("/v3/kv/range", json={"key": key}).json()


def test_a_state_without_its_cloud_keeps_what_was_generated(
    disk: Disk, state: dict[str, str], toolchain: Toolchain, tmp_path: Path
) -> None:
    whole = json.loads(state[contents.STATE])
    alone = json.dumps(without_cloud(whole))
    given = (state[contents.PASSPHRASE], STACK)
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    before = reveal(state[contents.STATE], *given, tmp_path / "before", toolchain)
    after = reveal(alone, *given, tmp_path / "after", toolchain)
    assert before.keys() == {contents.PRIVATE_KEY: SSH, ENCRYPTION: state[ENCRYPTION]}
    assert after.keys() == {ENCRYPTION: state[ENCRYPTION]}  # an output of the stack is made anew
