"""What runs of a cloud, seen from the machine and not from its APIs, so it is told also when they fail."""

from pathlib import Path

from terp.cloud.hosts import hosts
from terp.cloud.state import State
from terp.cloud.supervisor import NAME, services
from terp.model import Model

MIB = 1 << 20


class ServiceStatus(Model):
    """One process. `memory` in MiB, shared pages counted in proportion (PSS)."""

    name: str
    state: str
    pid: int | None
    address: str
    memory: float


class ServerStatus(Model):
    """One host. `memory` in MiB, as its control group counts it."""

    name: str
    id: str
    running: bool
    memory: float


class Status(Model):
    """The whole cloud."""

    services: tuple[ServiceStatus, ...]
    servers: tuple[ServerStatus, ...]

    @property
    def healthy(self) -> bool:
        """Every service answers."""
        return all(service.state == "up" for service in self.services)


def status_of(state: State) -> Status:
    """Look at every process and every host.

    Raises:
        TerpError: there is no cloud.
    """
    seen = [_service(state, NAME, answers=True, address="")]
    for service in services(state):
        address = f"127.0.0.1:{service.port}" if service.port else str(service.socket or "")
        seen.append(_service(state, service.name, answers=service.answers(), address=address))
    place = state.ground.place
    found = hosts(place) if state.ground.hosts else []
    servers = [
        ServerStatus(
            name=host.record().spec.name,
            id=host.id,
            running=host.running(),
            memory=(host.memory() or 0) / MIB,
        )
        for host in found
    ]
    return Status(services=tuple(seen), servers=tuple(sorted(servers, key=lambda each: each.name)))


def _service(state: State, name: str, *, answers: bool, address: str) -> ServiceStatus:
    record = state.process(name).record()
    said = "down" if record is None else "up" if answers else "starting"
    memory = _memory(record.pid) if record else 0.0
    return ServiceStatus(
        name=name, state=said, pid=record.pid if record else None, address=address, memory=memory
    )


def _memory(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it ended a moment ago
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
