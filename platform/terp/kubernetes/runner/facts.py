"""The facts that Ansible keeps of hosts: a run with a limit needs those of all others."""

import json
from collections.abc import Sequence
from pathlib import Path

from terp.kubernetes.model import Node


def purge(folder: Path, known: Path, nodes: Sequence[Node]) -> list[str]:
    """Remove the facts of hosts that are gone or were replaced; their names.

    `folder` has a file for each host; `known` says whose they are: another host key or address under the same
    name is another host.
    """
    folder.mkdir(exist_ok=True, mode=0o700)
    before: dict[str, list[str]] = json.loads(known.read_text()) if known.exists() else {}
    now = {node.name: _identity(node) for node in nodes}
    same = {name for name in now if before.get(name) == now[name]}
    gone = {name for file in folder.iterdir() if (name := _host(file)) not in same}
    for file in folder.iterdir():
        if _host(file) in gone:
            file.unlink()
    new = known.with_suffix(".new")
    new.touch(0o600)
    new.write_text(json.dumps(now))
    new.replace(known)
    return sorted(gone)


def _host(file: Path) -> str:
    """Whose facts a file has: from ansible-core 2.19 on it is called `s1_<host>`, and no host has a `_`."""
    return file.name.rpartition("_")[2]


def _identity(node: Node) -> list[str]:
    return [node.host_key, str(node.address), str(node.access_address)]
