"""Commands on the nodes of a cluster over SSH: its own key, strict host keys, through the bastion."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from terp.command import Command, CommandError
from terp.errors import TerpError
from terp.kubernetes.model import Node

CONNECT = 10
"""Seconds to a connection."""
LIMIT = 60.0
"""Seconds that a command may take."""
AT_ONCE = 16
"""Nodes that are asked side by side."""
UNREACHABLE = 255
"""Exit code of ssh itself."""


class UnreachableError(TerpError):
    """A node does not answer."""


class Shell:
    """Shells on nodes, as root."""

    def __init__(self, ssh_config: Path) -> None:
        program = ("ssh", "-F", str(ssh_config), "-o", "BatchMode=yes")
        self._ssh = Command(program, timeout=LIMIT, only=frozenset({"PATH", "HOME"}))

    def run(self, node: Node, script: str, limit: float = LIMIT) -> str:
        """The output of a script that may take `limit` seconds.

        Raises:
            UnreachableError: the node does not answer, or not with its key.
            CommandError: the script failed.
        """
        with _answering(node, limit):
            return self._ssh.run(node.name, *_as_root(node), "sh", "-s", stdin=script, timeout=limit).stdout

    def fetch(self, node: Node, file: str, to: Path, limit: float = LIMIT) -> None:
        """Copy a file of a node into a new one that its owner alone reads; its name needs no quotes.

        Raises:
            UnreachableError: the node does not answer, or not with its key.
            CommandError: there is no such file.
        """
        with _answering(node, limit):
            self._ssh.write_to(to, node.name, *_as_root(node), "cat", file, timeout=limit)


def _as_root(node: Node) -> tuple[str, ...]:
    return () if node.user == "root" else ("sudo", "-n")


@contextmanager
def _answering(node: Node, limit: float) -> Iterator[None]:
    """Tells failures of ssh itself from those of what it runs."""
    try:
        yield
    except CommandError as error:
        if error.code in (UNREACHABLE, None):
            said = error.output.strip().rpartition("\n")[2]
            raise UnreachableError(
                f"{node.name} does not answer SSH: {said or f'not within {limit:.0f} s'}"
            ) from error
        raise


@contextmanager
def shell(nodes: Sequence[Node], jump: Node | None, private_key: str) -> Iterator[Shell]:
    """Shells on these nodes; what ssh needs lies in a private folder that is gone after the block."""
    with tempfile.TemporaryDirectory(prefix="terp-ssh-") as folder:  # only its owner may enter
        place = Path(folder)
        everyone = [*nodes, *([jump] if jump else [])]
        _write(place / "private_key", private_key if private_key.endswith("\n") else f"{private_key}\n")
        _write(place / "known_hosts", "".join(f"{node.name} {node.host_key}\n" for node in everyone))
        _write(place / "ssh_config", "".join(_entry(node, jump, place) for node in everyone))
        yield Shell(place / "ssh_config")


def ask(
    nodes: Sequence[Node], jump: Node | None, private_key: str, script: Callable[[Node], str]
) -> dict[str, str | None]:
    """What each node says to its script, by its name; None of one that does not answer.

    Raises:
        CommandError: a script failed.
    """
    with shell(nodes, jump, private_key) as on, ThreadPoolExecutor(AT_ONCE) as asking:
        answers = list(asking.map(lambda node: _answer(on, node, script(node)), nodes))
    return {node.name: answer for node, answer in zip(nodes, answers, strict=True)}


def _answer(on: Shell, node: Node, script: str) -> str | None:
    try:
        return on.run(node, script)
    except UnreachableError:
        return None


def _entry(node: Node, jump: Node | None, place: Path) -> str:
    behind = jump is not None and node is not jump and node.access_address == node.address
    lines = (
        f"HostName {node.access_address}",
        f"HostKeyAlias {node.name}",
        f"User {node.user}",
        *([f"ProxyJump {jump.name}"] if jump and behind else []),
        f"IdentityFile {place / 'private_key'}",
        "IdentitiesOnly yes",
        f"UserKnownHostsFile {place / 'known_hosts'}",
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
        "UpdateHostKeys no",
        "PasswordAuthentication no",
        f"ConnectTimeout {CONNECT}",
        "ServerAliveInterval 5",
        "ServerAliveCountMax 3",
    )
    return f"Host {node.name}\n" + "".join(f"  {line}\n" for line in lines)


def _write(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
