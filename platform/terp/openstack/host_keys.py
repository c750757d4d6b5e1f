"""Public SSH keys of hosts, read from where nobody in between can change them: the cloud's API.

cloud-init prints the keys that it makes on the console at the first boot (module keys-to-console, cloud-init
23.4). Consoles forget, so a key that was read once stands in the stack's outputs beside its server's id.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import Output

from terp.environment.cloud import Cloud
from terp.errors import TerpError

if TYPE_CHECKING:
    from openstack.connection import Connection

BLOCK = re.compile(r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL)
KEY = re.compile(r"(?:ssh-ed25519|ecdsa-sha2-\S+|ssh-rsa) [A-Za-z0-9+/=]+")
PATIENCE = 900.0
"""Seconds from a server being ACTIVE to cloud-init having printed its keys."""
EVERY = 0.5

Console = Callable[[str], str]
"""Gives the console's text of a server by its id."""


class HostKeys:
    """The keys of servers by id: as `recorded`, or from their consoles."""

    def __init__(self, recorded: Output[dict[str, str]], console: Console) -> None:
        self._recorded = recorded
        self._console = console

    def of(self, server_id: Output[str]) -> Output[str]:
        """The key of a server, as soon as it has printed it."""
        return Output.all(server_id, self._recorded).apply(
            lambda known: known[1].get(known[0]) or printed_key(known[0], self._console)
        )


def host_keys_of(cloud: Cloud) -> HostKeys:
    """The keys of a cloud's servers, in a Pulumi program."""
    connection = cache(lambda: _connection(cloud))
    return HostKeys(_recorded(), lambda server_id: _console(connection(), server_id))


def _recorded() -> Output[dict[str, str]]:
    """Keys by server id in the outputs of the stack's last update."""
    own = pulumi.StackReference(f"organization/{pulumi.get_project()}/{pulumi.get_stack()}")
    hosts: Output[Sequence[Mapping[str, Any]] | None] = own.get_output("hosts")
    return hosts.apply(lambda hosts: {host["server_id"]: host["host_key"] for host in hosts or []})


def _connection(cloud: Cloud) -> "Connection":
    from terp.openstack.connection import connect  # a second that an update without new servers saves

    return connect(cloud)


def _console(connection: "Connection", server_id: str) -> str:
    nova: Any = connection.compute
    return str(nova.get_server_console_output(server_id)["output"])


async def printed_key(server_id: str, console: Console) -> str:
    """The key on a server's console, as soon as it is there.

    Raises:
        TerpError: it was not, for `PATIENCE` seconds.
    """
    end = time.monotonic() + PATIENCE
    while True:
        if key := host_key(await asyncio.to_thread(console, server_id)):
            return key
        if time.monotonic() > end:
            raise TerpError(
                f"server {server_id} printed no SSH host key on its console for {PATIENCE:.0f} s",
                hint=f"look at it: openstack console log show {server_id}; cloud-init must run, with its "
                "module keys-to-console",
            )
        await asyncio.sleep(EVERY)


def host_key(console: str) -> str | None:
    """The newest key on a console, ed25519 before others; None while none is complete."""
    blocks = BLOCK.findall(console)
    keys = KEY.findall(blocks[-1]) if blocks else []
    return min(keys, key=lambda key: not key.startswith("ssh-ed25519"), default=None)
