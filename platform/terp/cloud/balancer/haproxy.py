"""HAProxy's configuration for one load balancer, and what its statistics say of the members.

HAProxy 2.6 configuration manual; statistics: management guide, section 9.1 (CSV).
"""

import csv
from io import StringIO
from pathlib import Path

from terp.cloud.balancer.model import ALGORITHMS, Listener, LoadBalancer, Member, Monitor, Pool

HTTP = "HTTP"


def render(balancer: LoadBalancer, address: str, socket: Path) -> str:
    """The configuration file. `socket` is where the running HAProxy tells its statistics.

    A listener whose pool is missing, empty or of another mode answers nothing but closes what comes (TCP), or
    says 503 (HTTP), as Octavia's own driver does.
    """
    lines = [
        "global",
        "  maxconn 4000",
        f"  stats socket {socket} mode 600 level user",
        "  stats timeout 10s",
        "defaults",
        "  retries 3",
        "  option redispatch",
        "  timeout check 5s",
    ]
    for listener in balancer.listeners:
        if balancer.enabled and listener.enabled:
            lines += _frontend(balancer, listener, address)
    for pool in balancer.pools:
        lines += _backend(pool, _timeouts_of(balancer, pool))
    return "\n".join(lines) + "\n"


def _mode(protocol: str) -> str:
    return "http" if protocol == HTTP else "tcp"


def _bind(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _frontend(balancer: LoadBalancer, listener: Listener, address: str) -> list[str]:
    lines = [f"frontend {listener.id}", f"  mode {_mode(listener.protocol)}"]
    lines.append(f"  bind {_bind(address, listener.port)}")
    lines.append(f"  timeout client {listener.client_timeout}ms")
    if listener.connections > 0:
        lines.append(f"  maxconn {listener.connections}")
    if listener.protocol == HTTP:
        lines.append("  option forwardfor")
    pool = balancer.pool(listener.pool)
    if pool and _mode(pool.protocol) == _mode(listener.protocol):
        lines.append(f"  default_backend {pool.id}")
    return lines


def _timeouts_of(balancer: LoadBalancer, pool: Pool) -> tuple[int, int]:
    """Milliseconds to connect to, and to wait for, the members: as the first listener of the pool says."""
    listener = next(
        (listener for listener in balancer.listeners if listener.pool == pool.id),
        Listener(id="", protocol="TCP", port=1),
    )
    return listener.connect_timeout, listener.member_timeout


def _backend(pool: Pool, timeouts: tuple[int, int]) -> list[str]:
    connect, server = timeouts
    lines = [
        f"backend {pool.id}",
        f"  mode {_mode(pool.protocol)}",
        f"  balance {ALGORITHMS[pool.algorithm]}",
        f"  timeout connect {connect}ms",
        f"  timeout server {server}ms",
    ]
    if pool.sticky:
        lines += ["  stick-table type ip size 10k", "  stick on src"]
    if pool.monitor:
        lines += _check(pool.monitor)
    return lines + [_server(pool, member) for member in pool.members]


def _check(monitor: Monitor) -> list[str]:
    lines = [f"  timeout check {monitor.timeout}s"]
    if monitor.type in ("HTTP", "HTTPS"):
        lines.append("  option httpchk")
        lines.append(f"  http-check send meth {monitor.method or 'GET'} uri {monitor.path or '/'}")
        lines.append(f"  http-check expect rstatus {_codes(monitor.codes or '200')}")
    elif monitor.type == "TLS-HELLO":
        lines.append("  option ssl-hello-chk")
    return lines


def _codes(codes: str) -> str:
    """Octavia's `200`, `200,202` or `200-204` as a regular expression."""
    first, dash, last = codes.partition("-")
    numbers = range(int(first), int(last) + 1) if dash else map(int, codes.split(","))
    return "^(" + "|".join(map(str, numbers)) + ")$"


def _server(pool: Pool, member: Member) -> str:
    words = ["  server", member.id, _bind(member.address, member.port), "weight", str(member.weight)]
    if pool.monitor:
        words += ["check", "inter", f"{pool.monitor.delay}s"]
        words += ["rise", str(pool.monitor.rise), "fall", str(pool.monitor.fall)]
        if member.monitor_address:
            words += ["addr", member.monitor_address]
        if member.monitor_port:
            words += ["port", str(member.monitor_port)]
        if pool.monitor.type == "HTTPS":
            words += ["check-ssl", "verify", "none"]
    if pool.protocol == "PROXY":
        words.append("send-proxy")
    if member.backup:
        words.append("backup")
    if not member.enabled:
        words.append("disabled")
    return " ".join(words)


def member_states(statistics: str) -> dict[str, str]:
    """Operating status of each member by id, from the CSV of `show stat`."""
    rows = csv.DictReader(StringIO(statistics.removeprefix("# ")))
    return {
        row["svname"]: _operating(row["status"])
        for row in rows
        if row["svname"] not in ("FRONTEND", "BACKEND")
    }


def _operating(status: str) -> str:
    """HAProxy's word as Octavia's (Octavia API reference, "Operating Status Codes")."""
    if status.startswith("UP"):
        return "ONLINE"
    if status.startswith("DOWN"):
        return "ERROR"
    return {"no check": "NO_MONITOR", "MAINT": "OFFLINE", "DRAIN": "DRAINING"}.get(status, "ERROR")
