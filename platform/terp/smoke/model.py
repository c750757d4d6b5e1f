"""What a smoke test did, phase by phase."""

from datetime import datetime
from typing import Literal

from terp.kubernetes.acceptance.model import Result
from terp.model import Model
from terp.openstack.hosts import Host

Outcome = Literal["passed", "failed", "not applicable"]


class Phase(Model):
    """One phase: its seconds, and what was wrong, if anything."""

    name: str
    outcome: Outcome
    seconds: float
    said: str = ""


class Log(Model):
    """The end of what a program wrote, read before the stack was removed."""

    name: str
    text: str


class HostFacts(Model):
    """A host that the stack had; what only its node tells is empty for one that is none."""

    name: str
    role: str
    address: str
    system: str = ""
    kernel: str = ""
    runtime: str = ""
    kubelet: str = ""
    cpus: str = ""
    memory: str = ""


class SmokeReport(Model):
    """A whole run. `runner` tells of the machine that it ran on."""

    stack: str
    cloud: str
    began: datetime
    seconds: float
    runner: dict[str, str]
    phases: tuple[Phase, ...]
    checks: tuple[Result, ...] = ()
    hosts: tuple[HostFacts, ...] = ()
    logs: tuple[Log, ...] = ()
    kept: bool = False
    interrupted: bool = False

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        outcomes = {*(each.outcome for each in self.phases), *(each.outcome for each in self.checks)}
        return "failed" not in outcomes


def facts_of(host: Host, node: dict[str, str] | None) -> HostFacts:
    """What is told of a host, with what its node says of itself."""
    address = str(host.floating_ip or host.address)
    return HostFacts(name=host.name, role=host.role, address=address, **(node or {}))
