"""Measures the embedded cloud: boot, warm start, servers, memory. Needs root; takes some minutes.

    sudo scripts/python development benchmarks/cloud.py [--servers 1 8 20] [--json]

It makes a cloud of its own, beside one that may be running, and removes it.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "platform")]

from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.cloud.site import Site

from terp.cloud.hosts import hosts
from terp.cloud.process import wait_for
from terp.cloud.status import status_of

CLIENTS = 4
"""Requests at the same time, as many as a careful tool would send."""


class Report:
    """Figures by name, shown as they come."""

    def __init__(self, *, as_json: bool) -> None:
        self.figures: dict[str, float] = {}
        self._as_json = as_json

    def add(self, name: str, value: float, unit: str) -> None:
        self.figures[f"{name} ({unit})"] = round(value, 1)
        if not self._as_json:
            print(f"{name:<44} {value:8.1f} {unit}", flush=True)

    def time(self, name: str, work: Callable[[], Any]) -> Any:
        start = time.monotonic()
        result = work()
        self.add(name, time.monotonic() - start, "s")
        return result


def measure(cloud: EmbeddedCloud, counts: list[int], report: Report, directory: Path) -> None:
    report.add("load average before", os.getloadavg()[0], "")
    cloud.reset()
    report.time("first boot", cloud.up)
    report.time("up while up", cloud.up)
    report.time("down", cloud.down)
    report.time("warm start", cloud.up)
    report.add("control plane at rest", control_plane(cloud), "MB")
    site = Site(cloud.connect(), directory)
    for count in counts:
        servers(cloud, site, count, report)
    report.add("control plane after use", control_plane(cloud), "MB")
    report.time("down with one server", cloud.down)


def control_plane(cloud: EmbeddedCloud) -> float:
    return sum(service.memory for service in status_of(cloud.state).services)


def servers(cloud: EmbeddedCloud, site: Site, count: int, report: Report) -> None:
    made: dict[str, float] = {}

    def one(number: int) -> Any:
        start = time.monotonic()
        server = site.server(f"bench-{count}-{number}")
        made[server.id] = time.monotonic() - start
        return server

    def answer(server: Any) -> float:
        start = time.monotonic()
        address = site.ip(server)
        wait_for(f"SSH to {address}", lambda: site.reaches(address), 180, 0.2)
        return time.monotonic() - start

    with ThreadPoolExecutor(CLIENTS) as clients:
        every = report.time(f"{count} servers ACTIVE", lambda: list(clients.map(one, range(count))))
        report.add(f"{count} servers: slowest to ACTIVE", max(made.values()), "s")
        answers = report.time(
            f"{count} servers answer SSH through a bastion", lambda: list(clients.map(answer, every))
        )
        report.add(f"{count} servers: slowest answer", max(answers), "s")
        idle(cloud, {server.id for server in every}, count, report)
        report.time(f"{count} servers deleted", lambda: list(clients.map(site.delete, every)))


def idle(cloud: EmbeddedCloud, ids: set[str], count: int, report: Report) -> None:
    found = [host for host in hosts(cloud.state.ground.place) if host.id in ids]
    boots = [host.cpu() or 0.0 for host in found]
    time.sleep(10)
    used = [(host.cpu() or 0.0) - before for host, before in zip(found, boots, strict=True)]
    memory = [(host.memory() or 0) / (1 << 20) for host in found]
    report.add(f"{count} servers: CPU per boot", sum(boots) / len(boots), "CPU-s")
    report.add(f"{count} servers: CPU at rest", 100 * sum(used) / len(used) / 10, "% of one core each")
    report.add(f"{count} servers: memory per idle host", sum(memory) / len(memory), "MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", nargs="+", type=int, default=[1, 8, 20])
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    report = Report(as_json=asked.json)
    directory = Path(tempfile.mkdtemp(prefix="terp-benchmark-"))
    with EmbeddedCloud(directory, hosts=True) as cloud:  # fills the caches, too
        measure(cloud, asked.servers, report, directory)
    shutil.rmtree(directory)
    if asked.json:
        print(json.dumps(report.figures, indent=1))


if __name__ == "__main__":
    main()
