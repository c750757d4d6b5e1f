"""What a host shows of its flavor in /proc, where the kernel would show the machine.

The figures are those of an unused server and stand still: MemFree and MemAvailable do not follow use.
"""

MIB = 1024
"""kB, the unit of /proc/meminfo."""


def meminfo(memory: int, machine: str) -> str:
    """/proc/meminfo of a host with `memory` MiB; every other figure is zero."""
    whole = ("MemTotal", "MemFree", "MemAvailable", "CommitLimit")
    lines = []
    for line in machine.splitlines():
        name, _, rest = line.partition(":")
        if name in ("VmallocTotal", "Hugepagesize"):
            lines.append(line)
        else:
            value = memory * MIB if name in whole else 0
            unit = " kB" if rest.endswith("kB") else ""
            lines.append(f"{name + ':':<16}{value:>8}{unit}")
    return "\n".join(lines) + "\n"


def cpuinfo(vcpus: int, machine: str) -> str:
    """/proc/cpuinfo of a host with `vcpus` CPUs like the machine's first one."""
    first = machine.partition("\n\n")[0].splitlines()
    blocks = []
    for number in range(vcpus):
        own = {"processor": number, "core id": number, "apicid": number, "initial apicid": number}
        own |= {"siblings": vcpus, "cpu cores": vcpus}
        blocks.append("\n".join(_with(line, own) for line in first))
    return "\n\n".join(blocks) + "\n\n"


def _with(line: str, values: dict[str, int]) -> str:
    name, colon, _ = line.partition(":")
    return f"{name}{colon} {values[name.strip()]}" if colon and name.strip() in values else line
