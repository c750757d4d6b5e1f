"""The forward proxy on the machine's leg: servers reach the named hosts through it, and nothing else beyond.

It runs tinyproxy, which resolves the names on the machine: servers need no resolver for them.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from terp.cloud.network.links import tool
from terp.cloud.network.machine import PROXY_PORT
from terp.cloud.place import Place
from terp.errors import TerpError

TLS_PORTS = (443,)
"""Ports to which a server may open a tunnel."""
NAME = re.compile(
    r"(?P<below>\*?\.)?(?P<host>[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*)\.?"
)


def argv(
    place: Place, allowed: Iterable[str], *, upstream: str | None = None, tunnels: Iterable[int] = TLS_PORTS
) -> list[str]:
    """Write the proxy's configuration; returns its command line, empty when nothing is allowed.

    `allowed` are host names; `*.example.org` (or `.example.org`) allows the names below it, not itself.
    `upstream` is the proxy (`host:port`) through which the machine itself must go, if any.

    Raises:
        TerpError: something in `allowed` is not a host name.
    """
    patterns = [pattern(name) for name in allowed]
    if not patterns:
        return []
    folder = place.path("etc", "proxy")
    folder.mkdir(parents=True, exist_ok=True)
    names, configuration = folder / "allowed", folder / "tinyproxy.conf"
    _write(names, "".join(f"{each}\n" for each in patterns))
    _write(configuration, render(place, names, upstream=upstream, tunnels=tunnels))
    return [*tool(place, "tinyproxy").argv, "-d", "-c", str(configuration)]


def environment(place: Place) -> dict[str, str]:
    """What the proxy's environment needs beside the caller's."""
    return dict(tool(place, "tinyproxy").env)


def pattern(name: str) -> str:
    """The POSIX extended regular expression that matches the whole of an allowed name, and no other.

    Raises:
        TerpError: it is not a host name.
    """
    found = NAME.fullmatch(name.strip().lower())
    if not found:
        raise TerpError(
            f"proxy.allow: {name!r} is not a host name",
            hint="like mirror.example.org or *.example.org",
            exit_code=2,
        )
    below = "([^.]+\\.)+" if found["below"] else ""
    return f"^{below}{re.escape(found['host'])}\\.?$"


def render(
    place: Place, names: Path, *, upstream: str | None = None, tunnels: Iterable[int] = TLS_PORTS
) -> str:
    """The configuration of tinyproxy."""
    lines = [
        f"Listen {place.machine}",
        f"Port {PROXY_PORT}",
        *(["User nobody", "Group nogroup"] if os.geteuid() == 0 else []),
        "Timeout 300",
        "MaxClients 200",
        "LogLevel Connect",
        f'Filter "{names}"',
        "FilterExtended On",
        "FilterCaseSensitive Off",
        "FilterDefaultDeny Yes",
        "DisableViaHeader Yes",
        *(f"ConnectPort {port}" for port in tunnels),
        *([f"Upstream http {upstream}"] if upstream else []),
    ]
    return "".join(f"{line}\n" for line in lines)


def _write(file: Path, text: str) -> None:
    new = file.with_name(file.name + ".new")
    new.write_text(text)
    new.replace(file)
