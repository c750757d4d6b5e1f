"""A snapshot of etcd, proved by restoring it: etcd itself serves it for a moment, in a private folder.

`etcdutl snapshot status` would not do: it says that all is well of a snapshot whose bytes were changed.
"""

import base64
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from terp.command import Command
from terp.errors import TerpError
from terp.model import Model
from terp.tools import Toolchain

TOOLS = "etcd"
PROGRAM = "server"
"""etcd itself, as its package is called."""
RESTORING = 600.0
"""Seconds that etcdutl may take for a snapshot of some GiB on a slow disk."""
STARTING = 120.0
"""Seconds until etcd serves what was restored."""
ANSWER = 60.0
POLL = 0.1
TO_END = 10.0
PAGE = 200
"""Keys of one answer: each may have a MiB."""
NOWHERE = "http://127.0.0.1:1"
"""Where peers and clients would be led, if there were any."""
SECRETS = b"/registry/secrets/"
NAMESPACES = b"/registry/namespaces/"
OF_NODES = (
    b"/registry/minions/",
    b"/registry/csinodes/",
    b"/registry/volumeattachments/",
    b"/registry/leases/kube-node-lease/",
    b"/registry/masterleases/",
    b"/registry/daemonsets/kube-system/kube-proxy",
)
"""What says where a cluster was: its nodes, what is attached to them, the addresses of its API servers.

Without kube-proxy, which `kubeadm init` makes last, an installer knows that it has to begin the cluster.
"""
SEALED = b"k8s:enc:secretbox:v1:"
"""How Kubernetes begins what it has encrypted; the name of the key and a colon follow."""


class Secrets(Model):
    """The Secrets of a snapshot: how many there are, are encrypted, and open with the key."""

    all: int
    encrypted: int
    opened: int


def revision_of(status: str) -> int:
    """The revision in what `snapshot status` says (JSON)."""
    return int(json.loads(status)["revision"])


class Etcd:
    """etcd's programs on snapshots."""

    def __init__(self, toolchain: Toolchain) -> None:
        self._utility = Command((str(toolchain.path("etcdutl")),), timeout=RESTORING)
        self._client = Command((str(toolchain.path("etcdctl")),), timeout=RESTORING)
        self._server = toolchain.path(PROGRAM)

    def revision(self, snapshot: Path) -> int:
        """The newest revision in it."""
        return revision_of(self._utility.output("snapshot", "status", snapshot, "--write-out=json"))

    def restore(self, snapshot: Path, to: Path) -> None:
        """Make a data folder of it.

        Raises:
            CommandError: it is not whole, or was changed.
        """
        self._utility.run("snapshot", "restore", snapshot, "--data-dir", to, *_member())

    def secrets(self, data: Path, key: bytes | None) -> Secrets:
        """Read the Secrets of a restored data folder, and open what is encrypted.

        Raises:
            TerpError: etcd does not serve it.
        """
        counted = encrypted = opened = 0
        box = SecretBox(key) if key else None
        with self._serving(data) as (client, _):
            for _, value in _items(client, SECRETS):
                counted += 1
                if value.startswith(SEALED):
                    encrypted += 1
                    opened += bool(box and _opens(box, value))
        return Secrets(all=counted, encrypted=encrypted, opened=opened)

    def without_nodes(self, snapshot: Path, folder: Path, to: Path) -> tuple[str, ...]:
        """Write a snapshot without what says where the cluster was; the names of its namespaces.

        New nodes have the names of the old ones, but are other servers, at other addresses.

        Raises:
            TerpError: it is not whole, or etcd does not serve it.
        """
        data = folder / "data"
        self.restore(snapshot, data)
        with self._serving(data) as (client, endpoint):
            for prefix in OF_NODES:
                answer = client.post("/v3/kv/deleterange", json=_range(prefix))
                answer.raise_for_status()
            names = tuple(key[len(NAMESPACES) :].decode() for key, _ in _items(client, NAMESPACES))
            self._client.run(f"--endpoints={endpoint}", "snapshot", "save", to)
        return names

    @contextmanager
    def _serving(self, data: Path) -> Iterator[tuple[httpx.Client, str]]:
        """A client of etcd on a data folder, and its endpoint: a socket where nobody else may enter."""
        log = data.with_name("etcd.log")
        with tempfile.TemporaryDirectory(prefix="terp-etcd-") as folder, log.open("wb") as out:
            clients, peers = Path(folder) / "clients", Path(folder) / "peers"  # a socket's path must be short
            flags = (
                *("--data-dir", data, *_member()),
                *("--listen-client-urls", f"unix://{clients}", "--advertise-client-urls", NOWHERE),
                *("--listen-peer-urls", f"unix://{peers}"),
            )
            process = subprocess.Popen(
                [str(self._server), *map(str, flags)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=folder,
                env={},
            )
            way = httpx.HTTPTransport(uds=str(clients))
            try:
                with httpx.Client(transport=way, base_url="http://etcd", timeout=ANSWER) as client:
                    _wait(process, client, log)
                    yield client, f"unix://{clients}"
            finally:
                _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(TO_END)


def _member() -> tuple[str, ...]:
    return (
        *("--name", "restored", "--initial-cluster", f"restored={NOWHERE}"),
        *("--initial-advertise-peer-urls", NOWHERE),
    )


def _wait(process: "subprocess.Popen[bytes]", client: httpx.Client, log: Path) -> None:
    end = time.monotonic() + STARTING
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            if client.get("/health").is_success:
                return
        except httpx.TransportError:  # it does not listen yet
            pass
        time.sleep(POLL)
    raise TerpError(f"etcd does not serve the restored snapshot\n{log.read_text()[-2000:]}")


def _items(client: httpx.Client, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    """All keys with a prefix, and their values, page by page."""
    start = prefix
    while True:
        answer = client.post("/v3/kv/range", json={**_range(prefix), "key": _text(start), "limit": PAGE})
        answer.raise_for_status()
        found = answer.json()
        items = found.get("kvs", ())
        yield from ((base64.b64decode(each["key"]), base64.b64decode(each["value"])) for each in items)
        if not found.get("more"):
            return
        start = base64.b64decode(items[-1]["key"]) + b"\0"


def _range(prefix: bytes) -> dict[str, str]:
    """The keys with a prefix, as etcd is asked for them."""
    return {"key": _text(prefix), "range_end": _text(prefix[:-1] + bytes([prefix[-1] + 1]))}


def _opens(box: SecretBox, value: bytes) -> bool:
    sealed = value[len(SEALED) :].partition(b":")[2]
    try:
        box.decrypt(sealed)
    except (CryptoError, ValueError):
        return False
    return True


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
