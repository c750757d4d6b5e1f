"""New hosts: they boot, and cloud-init works, for a while after OpenStack calls them active."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from terp.command import CommandError
from terp.kubernetes.model import Node
from terp.kubernetes.shell import Shell, UnreachableError, shell

PATIENCE = 900.0
"""Seconds that new hosts have, all together; what is silent after that is the planner's to judge."""
PAUSE = 3.0
AT_ONCE = 16
READY = "if command -v cloud-init >/dev/null; then timeout 45 cloud-init status --wait >/dev/null; fi"
"""Ends with cloud-init; 2 says that it ended with warnings (cloud-init 23.4)."""
WITH_WARNINGS = 2


def wait_for_hosts(
    nodes: Sequence[Node],
    jump: Node | None,
    private_key: str,
    tell: Callable[[str], None],
    stopped: Callable[[], bool],
    patience: float = PATIENCE,
) -> None:
    """Wait until hosts answer SSH and cloud-init has ended on them, for `patience` seconds at most."""
    end = time.monotonic() + patience
    silent = {node.name for node in nodes}

    def wait(on: Shell, node: Node) -> None:
        while time.monotonic() < end and not stopped():
            if _is_ready(on, node):
                silent.discard(node.name)
                tell(f"{len(nodes) - len(silent)} of {len(nodes)} new hosts are ready")
                return
            time.sleep(PAUSE)

    if nodes:
        tell(f"waits for {len(nodes)} new hosts")
        with shell(nodes, jump, private_key) as on, ThreadPoolExecutor(AT_ONCE) as waiting:
            list(waiting.map(lambda node: wait(on, node), nodes))


def _is_ready(on: Shell, node: Node) -> bool:
    try:
        on.run(node, READY)
    except UnreachableError:
        return False
    except CommandError as error:
        return error.code == WITH_WARNINGS
    return True
