"""How SSH gets to the nodes: one key, strict host keys, through the bastion."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from terp.kubernetes.model import Node

CONNECT = 10
"""Seconds to a connection."""
PERSIST = 300
"""Seconds that a connection is kept for the next task; all end with the run."""


@dataclass(frozen=True)
class Access:
    """`private_key` is OpenSSH text; `jump` is the bastion before nodes without an address of their own."""

    private_key: str = field(repr=False)
    jump: Node | None = None
    port: int = 22


def known_hosts(nodes: Sequence[Node]) -> str:
    """The key of every node under its name, which is the alias that ssh looks for."""
    return "".join(f"{node.name} {node.host_key}\n" for node in nodes)


def ssh_config(nodes: Sequence[Node], access: Access, folder: Path) -> str:
    """Entries by name and by address: Ansible calls ssh with that. `folder` has key and known_hosts."""
    everyone = (
        f"Port {access.port}",
        f"IdentityFile {folder / 'private_key'}",
        "IdentitiesOnly yes",
        f"UserKnownHostsFile {folder / 'known_hosts'}",
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
        "UpdateHostKeys no",
        "PasswordAuthentication no",
        f"ConnectTimeout {CONNECT}",
        "ServerAliveInterval 15",
        "ServerAliveCountMax 4",
    )
    text = ""
    jump = access.jump
    for node in (*nodes, *([jump] if jump else [])):
        behind = jump is not None and node is not jump and node.access_address == node.address
        lines = [f"HostName {node.access_address}", f"HostKeyAlias {node.name}", f"User {node.user}"]
        lines += [f"ProxyJump {jump.name}"] if jump and behind else []
        text += f"Host {node.name} {node.access_address}\n"
        text += "".join(f"  {line}\n" for line in (*lines, *everyone))
    return text
