"""The public face of the APIs: HAProxy on the machine's leg, as servers and pods reach a cloud from within.

What it hands on goes to the services on loopback, whose names and ports are the same.
"""

from terp.cloud.network.links import tool
from terp.cloud.place import Place


def argv(place: Place) -> list[str]:
    """Write HAProxy's configuration; returns its command line, empty when no API is shown."""
    if not place.apis:
        return []
    file = place.path("etc", "front", "haproxy.cfg")
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(render(place))
    new.replace(file)
    return [*tool(place, "haproxy").argv, "-db", "-q", "-f", str(file)]


def environment(place: Place) -> dict[str, str]:
    """What HAProxy's environment needs beside the caller's."""
    return dict(tool(place, "haproxy").env)


def render(place: Place) -> str:
    """The configuration. It can be read before the leg has its address (`transparent`)."""
    lines = [
        "global",
        "  maxconn 1000",
        "  user nobody",
        "  group nogroup",
        "defaults",
        "  mode tcp",
        "  timeout connect 5s",
        "  timeout client 10m",
        "  timeout server 10m",
    ]
    for name, port in place.apis.items():
        lines += [
            f"listen {name}",
            f"  bind {place.machine}:{port} transparent",
            f"  server own 127.0.0.1:{port}",
        ]
    return "\n".join(lines) + "\n"
