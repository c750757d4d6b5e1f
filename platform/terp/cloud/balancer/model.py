"""A load balancer as Octavia describes it, without what HAProxy does not need."""

from typing import Literal

from pydantic import Field

from terp.model import Model

Protocol = Literal["TCP", "HTTP", "HTTPS", "PROXY"]
PROTOCOLS: tuple[Protocol, ...] = ("TCP", "HTTP", "HTTPS", "PROXY")
"""HTTPS passes through unopened; UDP, SCTP and TERMINATED_HTTPS are not offered."""
ALGORITHMS = {"ROUND_ROBIN": "roundrobin", "LEAST_CONNECTIONS": "leastconn", "SOURCE_IP": "source"}
MONITORS = ("TCP", "HTTP", "HTTPS", "TLS-HELLO")


class Monitor(Model):
    """A health monitor; `delay` and `timeout` in seconds."""

    type: str
    delay: int
    timeout: int
    rise: int
    fall: int
    method: str | None = None
    path: str | None = None
    codes: str | None = None


class Member(Model):
    """A backend server."""

    id: str
    address: str
    port: int
    weight: int = 1
    backup: bool = False
    enabled: bool = True
    monitor_address: str | None = None
    monitor_port: int | None = None


class Pool(Model):
    """Members that share the load."""

    id: str
    protocol: str
    algorithm: str
    members: tuple[Member, ...] = ()
    monitor: Monitor | None = None
    sticky: bool = Field(False, description="session persistence by source address")


class Listener(Model):
    """A port of the VIP. Timeouts in milliseconds; `connections` -1 means no limit."""

    id: str
    protocol: str
    port: int
    enabled: bool = True
    pool: str | None = None
    connections: int = -1
    client_timeout: int = 50_000
    connect_timeout: int = 5_000
    member_timeout: int = 50_000
    allowed_cidrs: tuple[str, ...] = ()


class LoadBalancer(Model):
    """One VIP with its listeners and pools."""

    id: str
    project: str
    vip_port: str = Field(description="Neutron port")
    enabled: bool = True
    listeners: tuple[Listener, ...] = ()
    pools: tuple[Pool, ...] = ()

    def pool(self, name: str | None) -> Pool | None:
        """The pool with this id."""
        return next((pool for pool in self.pools if pool.id == name), None)
