"""What the checks ask of hosts, and what hosts say of themselves and of each other."""

from collections.abc import Mapping
from typing import Literal

from terp.model import Model

Protocol = Literal["tcp", "udp", "mtu"]


class Contact(Model):
    """A call on `address`, the host `to`: at a port, or (`mtu`, port 0) with a packet of the full size."""

    to: str
    address: str
    protocol: Protocol
    port: int = 0


class Silence(Model):
    """A contact without an answer. A refusal is an answer: the packet arrived."""

    contact: Contact
    problem: str


class Clock(Model):
    """Seconds that a host's clock is ahead of this machine's, at least and at most."""

    least: float
    most: float

    def __contains__(self, seconds: float) -> bool:
        return self.least <= seconds <= self.most


class Facts(Model):
    """One host, as the probe (`probe.py`) saw it.

    `began` and `ended` are its clock in seconds; seconds for `fsync_p99`; MiB for `memory`; GiB for `free`.
    `mtus` are by address, `unresolved` and `unreached` say what is wrong with names and URLs. `clock_kept` is
    None and `missing_modules` is empty in a container, whose clock and kernel are its machine's.
    """

    cloud_init: str
    hostname: str
    server_name: str
    mtus: Mapping[str, int]
    routes: tuple[str, ...]
    began: float
    ended: float
    clock_kept: bool | None
    resolvers: tuple[str, ...]
    unresolved: Mapping[str, str]
    unreached: Mapping[str, str]
    free: Mapping[str, float]
    fsync_p99: float
    kernel: str
    cgroup: int
    missing_modules: tuple[str, ...]
    swap: tuple[str, ...]
    package_locks: Mapping[str, str]
    sshd: Mapping[str, str]
    firewall: str
    leftovers: tuple[str, ...]
    memory: int
    udp_ports: frozenset[int]
    silences: tuple[Silence, ...]


def clock_of(facts: Facts, asked: float, answered: float) -> Clock:
    """How a host's clock stands, when it was asked and had answered by this machine's clock in seconds."""
    return Clock(least=facts.ended - answered, most=facts.began - asked)
