"""Measures Terp's OpenStack layer against OpenTofu with the same provider: time, API calls, memory.

    scripts/python development benchmarks/openstack_layer.py [--nodes 3 20 50] [--rounds 3] [--json]

It makes a cloud of records of its own, and removes it. In each round every tool makes the same things,
looks at it, makes one node more, and removes it; the tools take turns. Calls are counted in a round of their
own, through a proxy, because the proxy takes time. The bastion is not among the nodes.

`terp` is what `terp up` does (preflight, the engine, SSH files), `engine` is `pulumi up` alone with Terp's
settings, `opentofu` is openstack_layer/main.tf. Each tool runs as it does by default: OpenTofu looks at the
cloud first except in "no-op", the others only in "no-op, refresh".
"""

import argparse
import json
import logging
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import structlog
import yaml
from openstack.connection import Connection
from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "platform")]

from benchmarks.api_calls import ApiCalls
from benchmarks.contestants import CLOUD, DESTROY, MORE, STEPS, Contestant, Engine, OpenTofu, Terp
from tests.integration.cloud.conftest import EmbeddedCloud, remove_everything

from terp.cloud.state import APIS
from terp.paths import cache_dir
from terp.progress import progress_for
from terp.tools import sync

LIMIT = 3600.0
"""Seconds for one step."""
EVERY = 0.1
"""Seconds between two looks at the memory."""
QUOTA = {"server_group_members": 100, "cores": 400, "instances": 100, "ram": 400_000}
"""What the sandbox's quota has too little of."""
PAGE = os.sysconf("SC_PAGE_SIZE")


class Figures(NamedTuple):
    """One step of one tool: seconds, CPU seconds, greatest sum of its processes' resident memory in MB."""

    seconds: float
    cpu: float
    memory: float


class Results:
    """Every figure that was measured, and the calls of each step."""

    def __init__(self) -> None:
        self._figures: dict[tuple[int, str, str], list[Figures]] = {}
        self._calls: dict[tuple[int, str, str], int] = {}

    def add(self, nodes: int, step: str, tool: str, figures: Figures) -> None:
        self._figures.setdefault((nodes, step, tool), []).append(figures)

    def count(self, nodes: int, step: str, tool: str, calls: int) -> None:
        self._calls[nodes, step, tool] = calls

    def rows(self) -> Iterator[dict[str, Any]]:
        """Medians, with their ratio to OpenTofu's."""
        for (nodes, step, tool), figures in self._figures.items():
            seconds = statistics.median(each.seconds for each in figures)
            others = self._figures.get((nodes, step, OpenTofu.name))
            ratio = seconds / statistics.median(each.seconds for each in others) if others else None
            yield {
                "nodes": nodes,
                "step": step,
                "tool": tool,
                "seconds": round(seconds, 2),
                "ratio": ratio and round(ratio, 2),
                "all_seconds": [round(each.seconds, 2) for each in figures],
                "cpu": round(statistics.median(each.cpu for each in figures), 2),
                "memory": round(max(each.memory for each in figures)),
                "calls": self._calls.get((nodes, step, tool)),
            }


class Benchmark:
    """One cloud, the tools, and what they have made so far."""

    def __init__(self, cloud: EmbeddedCloud, directory: Path, contestants: list[Contestant]) -> None:
        self.results = Results()
        self._cloud = cloud
        self._directory = directory
        self._contestants = contestants
        self._member = cloud.connect()
        self._made: dict[tuple[int, str], Counter[str]] = {}

    def round(self, nodes: int, *, tell: Callable[[str], None], first: int) -> None:
        """Every tool once, timed; each round another one begins."""
        clouds = self._clouds(lambda text: text)
        turn = first % len(self._contestants)
        for tool in self._contestants[turn:] + self._contestants[:turn]:
            for step in STEPS:
                figures = self._step(tool, nodes, step, clouds)
                self.results.add(nodes, step, tool.name, figures)
                took = f"{figures.seconds:7.2f} s  CPU {figures.cpu:5.2f} s {figures.memory:5.0f} MB"
                tell(f"{nodes:>3} nodes  {tool.name:<9} {step:<15} {took}")

    def count_calls(self, nodes: int) -> None:
        """Every tool once, through the proxy."""
        ports = {service: self._cloud.state.ground.ports[service] for service in APIS}
        with ApiCalls(ports) as calls:
            clouds = self._clouds(calls.redirected)
            for tool in self._contestants:
                for step in STEPS:
                    calls.counts.clear()
                    self._step(tool, nodes, step, clouds)
                    self.results.count(nodes, step, tool.name, calls.counts.total())

    def _clouds(self, change: Callable[[str], str]) -> Path:
        """clouds.yaml, with another name: `embedded` would be raised by `terp up`."""
        entry = yaml.safe_load(self._cloud.state.path("clouds.yaml").read_text())["clouds"]["embedded"]
        file = self._directory / "clouds.yaml"
        file.write_text(change(json.dumps({"clouds": {CLOUD: entry}})))
        return file

    def _step(self, tool: Contestant, nodes: int, step: str, clouds: Path) -> Figures:
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(clouds)
        tool.prepare(nodes, more=step in (MORE, DESTROY))
        figures = measured(tool, step, self._directory / f"{tool.name}.log")
        self._compare(tool, nodes, step)
        return figures

    def _compare(self, tool: Contestant, nodes: int, step: str) -> None:
        """All tools must have made the same.

        Raises:
            SystemExit: this one made something else.
        """
        counts = things(self._member)
        same = self._made.setdefault((nodes, step), counts)
        if counts != same or (step == DESTROY and counts.total()):
            raise SystemExit(f"{tool.name}, {step}: there are {dict(counts)}, and not {dict(same)}")


def things(member: Connection) -> Counter[str]:
    """How many of each kind the project has."""
    mine = {"project_id": member.current_project_id}
    network = member.network
    kinds: dict[str, Iterable[object]] = {
        "servers": member.compute.servers(),
        "server groups": member.compute.server_groups(),
        "keypairs": member.compute.keypairs(),
        "volumes": member.block_storage.volumes(),
        "attached volumes": member.block_storage.volumes(status="in-use"),
        "networks": network.networks(**mine),
        "subnets": network.subnets(**mine),
        "routers": network.routers(**mine),
        "ports": network.ports(**mine),
        "floating IPs": network.ips(**mine),
        "security groups": [group for group in network.security_groups(**mine) if group.name != "default"],
        "rules": [
            rule
            for group in network.security_groups(**mine)
            if group.name != "default"
            for rule in group.security_group_rules
        ],
    }
    return Counter({kind: len(list(found)) for kind, found in kinds.items()})


def measured(tool: Contestant, step: str, log: Path) -> Figures:
    """Run one step.

    Raises:
        SystemExit: it failed, or took longer than `LIMIT`.
    """
    argv, env, cwd = tool.run(step)
    start, cpu, memory = time.monotonic(), cpu_seconds(), 0
    with log.open("w") as out:
        program = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            while program.poll() is None and time.monotonic() - start < LIMIT:
                memory = max(memory, resident(program.pid))
                with suppress(subprocess.TimeoutExpired):
                    program.wait(EVERY)
        finally:
            program.terminate()  # does nothing when it has ended
            program.wait(120)
    seconds = time.monotonic() - start
    if program.returncode:
        raise SystemExit(f"{tool.name}, {step}: exit code {program.returncode}\n{log.read_text()[-4000:]}")
    return Figures(seconds, cpu_seconds() - cpu, memory * PAGE / 1e6)


def cpu_seconds() -> float:
    """What all programs took that have been started here and have ended; it tells more on a busy machine."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def resident(process: int) -> int:
    """Pages of resident memory of a process and all that it has started; pages they share count twice."""
    place = Path("/proc") / str(process)
    try:
        pages = int((place / "statm").read_text().split()[1])
        children = [int(child) for task in (place / "task").iterdir() for child in _children(task)]
    except OSError:  # it has just ended
        return 0
    return pages + sum(map(resident, children))


def _children(task: Path) -> list[str]:
    try:
        return (task / "children").read_text().split()
    except OSError:
        return []


@contextmanager
def prepared(names: list[str]) -> Iterator[Benchmark]:
    """The tools, and a cloud with room enough."""
    with progress_for(Console(stderr=True), cache_dir() / "timings.json") as story:
        toolchain, compared = sync("openstack", story), sync("benchmark", story)
    with tempfile.TemporaryDirectory(prefix="terp-benchmark-") as name:
        directory = Path(name)
        (directory / "embedded").mkdir()
        with EmbeddedCloud(directory / "embedded", hosts=False) as cloud:
            member = cloud.connect()
            cloud.connect(admin=True).set_compute_quotas(str(member.current_project_id), **QUOTA)
            image = next(image.name for image in member.image.images())
            os.environ["TERP_STATE"] = str(directory / "terp")
            made: dict[str, Callable[[], Contestant]] = {
                Terp.name: lambda: Terp(directory, image),
                Engine.name: lambda: Engine(directory, image, toolchain),
                OpenTofu.name: lambda: OpenTofu(directory, image, compared),
            }
            yield Benchmark(cloud, directory, [made[each]() for each in names])
            remove_everything(member)


def show(results: Results) -> None:
    """The results as a table."""
    table = Table("nodes", "step", "tool", "median", "/ OpenTofu", "calls", "CPU", "memory", box=None)
    for row in results.rows():
        ratio = f"{row['ratio']:.2f}" if row["ratio"] else ""
        calls = "" if row["calls"] is None else str(row["calls"])
        cells = (str(row["nodes"]), row["step"], row["tool"], f"{row['seconds']:.2f} s", ratio, calls)
        table.add_row(*cells, f"{row['cpu']:.1f} s", f"{row['memory']} MB")
    Console(width=110).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = [Terp.name, Engine.name, OpenTofu.name]
    parser.add_argument("--nodes", nargs="+", type=int, default=[3, 20, 50])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tools", nargs="+", choices=known, default=known)
    parser.add_argument(
        "--calls", action=argparse.BooleanOptionalAction, default=True, help="count API calls"
    )
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    out = Console(stderr=True, highlight=False)
    out.print(f"{platform.platform()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    with prepared(asked.tools) as benchmark:
        for nodes in asked.nodes:
            for number in range(asked.rounds):
                benchmark.round(nodes, tell=out.print, first=number)
            if asked.calls:
                benchmark.count_calls(nodes)
    if asked.json:
        print(json.dumps(list(benchmark.results.rows()), indent=1))
    else:
        show(benchmark.results)


if __name__ == "__main__":
    main()
