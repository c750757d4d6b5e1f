"""Amounts as Kubernetes writes them, as numbers."""

from terp.model import Model

UNITS: dict[str, int] = {
    "": 1,
    **{letter: 1000**power for power, letter in enumerate("KMGT", 1)},
    **{f"{letter}i": 1024**power for power, letter in enumerate("KMGT", 1)},
}


class Requests(Model):
    """What pods ask for: thousandths of processors, bytes of memory, bytes on volumes."""

    cpu: int = 0
    memory: int = 0
    storage: int = 0

    def __add__(self, other: "Requests") -> "Requests":
        return Requests(
            cpu=self.cpu + other.cpu, memory=self.memory + other.memory, storage=self.storage + other.storage
        )


def thousandths(cpu: str) -> int:
    """500 of `500m`, 2000 of `2`."""
    return int(cpu.removesuffix("m")) if cpu.endswith("m") else int(cpu) * 1000


def amount(quantity: str) -> int:
    """536870912 of `512Mi`."""
    unit = quantity.lstrip("0123456789")
    return int(quantity.removesuffix(unit)) * UNITS[unit]


def gibibytes(size: int) -> str:
    """`12.3 GiB`."""
    return f"{size / 1024**3:.1f} GiB"
