"""Measures how fast Argo CD brings a platform up whose charts are ready at once: the engine's own time.

    scripts/python development benchmarks/gitops.py [--applications 40 --waves 20 | --catalogue]
                                                    [--set NAME=VALUE ...]

A control plane without nodes (kwok plays the kubelets), Argo CD's controller and repo server, and the rollout
of `terp up`. `--catalogue` takes the platform of the sandbox; `--set` gives Argo CD variables, to see what
they buy. The lower limit is what the waves would take if each took as long as the quickest of them.
"""

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "platform")]

from tests.integration.gitops.argo_cd import ArgoCd
from tests.integration.gitops.control_plane import ControlPlane
from tests.integration.gitops.platform import Sources, StandIns
from tests.integration.gitops.processes import Processes

from terp.environment import read
from terp.environment.platform import Platform
from terp.gitops.catalogue import Catalogue
from terp.gitops.component import Component
from terp.gitops.reading import read_catalogue
from terp.gitops.versions import ChartRepository
from terp.paths import cache_dir
from terp.progress import progress_for
from terp.tools import sync

SANDBOX = PROJECT / "tests" / "fixtures" / "valid" / "sandbox.yaml"
HEALTHY = re.compile(r"wave \d+ is healthy, after (\d+) s")
CALLS = re.compile(r'^apiserver_request_total\{.*verb="(\w+)".*\} (\d+)')
MIB = 1024
PARTS = "parts"
out = Console(highlight=False)


def chain(applications: int, waves: int) -> Catalogue:
    """Argo CD, and components that each need all of the wave before."""
    ours = read_catalogue()
    named = [[f"part-{wave}-{n}" for n in range(applications // waves)] for wave in range(waves)]
    components = {
        name: _component(name, named[wave - 1] if wave else [])
        for wave, names in enumerate(named)
        for name in names
    }
    argo_cd = ours.components["argo-cd"].model_copy(update={"needs": ()})
    upstreams = {
        **ours.upstreams,
        PARTS: ChartRepository(charts="https://charts.example.org", version="1.0.0"),
    }
    return ours.model_copy(update={"components": {"argo-cd": argo_cd, **components}, "upstreams": upstreams})


def _component(name: str, needs: list[str]) -> Component:
    return Component.model_validate(
        {
            "description": "A part.",
            "source": {"kind": "chart", "upstream": PARTS, "chart": name},
            "licence": "Apache-2.0",
            "layer": "data",
            "namespace": name,
            "profiles": ["small", "ha"],
            "needs": needs,
            "health": [f"Deployment/{name}"],
        }
    )


def settings(catalogue: Catalogue) -> Platform:
    """The platform of the sandbox, with switches of what there is."""
    platform = read(SANDBOX).platform
    if platform is None:
        raise SystemExit(f"{SANDBOX} has no platform")
    switches = {name: on for name, on in platform.components.items() if name in catalogue.components}
    return platform.model_copy(update={"components": switches})


class Figures:
    """What one rollout took."""

    def __init__(self, platform: StandIns, processes: Processes, cluster: ControlPlane) -> None:
        commit = platform.publish()
        before = _calls(cluster)
        began = time.monotonic()
        said = platform.roll_out(commit)
        self.seconds = time.monotonic() - began
        self.waves = [float(found[1]) for line in said if (found := HEALTHY.match(line))]
        self.applications = len(platform.waves)
        self.memory = {
            name: _peak(processes, name)
            for name in ("application-controller", "repo-server", "kube-apiserver")
        }
        self.calls = _calls(cluster) - before
        began = time.monotonic()
        platform.roll_out(commit)
        self.again = time.monotonic() - began

    def rows(self) -> Iterator[tuple[str, str]]:
        """To be shown."""
        limit = min(self.waves) * len(self.waves)
        yield "Applications, waves", f"{self.applications}, {len(self.waves)}"
        yield "healthy after", f"{self.seconds:.0f} s"
        yield (
            "a wave: quickest, median, slowest",
            ", ".join(f"{of(self.waves):.0f} s" for of in (min, statistics.median, max)),
        )
        yield "lower limit", f"{limit:.0f} s"
        yield "the same once more", f"{self.again:.0f} s"
        yield "API calls", ", ".join(f"{number} {verb}" for verb, number in self.calls.most_common(6))
        yield "greatest memory", ", ".join(f"{name} {size} MiB" for name, size in self.memory.items())


def measure(catalogue: Catalogue, variables: dict[str, str]) -> Figures:
    """On engines of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="terp-benchmark-") as name,
        progress_for(Console(stderr=True), cache_dir() / "timings.json", as_json=False) as progress,
    ):
        processes = Processes(sync("gitops-tests", progress), Path(name) / "processes")
        sources = Sources(Path(name) / "upstreams")
        for folder in (processes.root, sources.folder):
            folder.mkdir()
        sources.start()
        try:
            cluster = ControlPlane(processes)
            cluster.start()
            argo_cd = ArgoCd(cluster, variables)
            argo_cd.start()
            platform = StandIns(argo_cd, sources, settings(catalogue), catalogue)
            return Figures(platform, processes, cluster)
        finally:
            sources.stop()
            processes.stop()


def _calls(cluster: ControlPlane) -> Counter[str]:
    """Requests that the API server has had, by verb."""
    with cluster.client() as client:
        lines = client.get("/metrics").raise_for_status().text.splitlines()
    found: Counter[str] = Counter()
    for line in lines:
        if match := CALLS.match(line):
            found[match[1]] += int(match[2])
    return found


def _peak(processes: Processes, name: str) -> int:
    """MiB of memory that a process has had at most (proc(5), VmHWM)."""
    status = Path(f"/proc/{processes.pid(name)}/status").read_text()
    (size,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(size) // MIB


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--applications", type=int, default=40)
    parser.add_argument("--waves", type=int, default=20)
    parser.add_argument("--catalogue", action="store_true")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    catalogue = read_catalogue() if options.catalogue else chain(options.applications, options.waves)
    variables: dict[str, Any] = dict(each.split("=", 1) for each in options.set)
    figures = measure(catalogue, variables)
    table = Table(title=f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", show_header=False)
    for row in figures.rows():
        table.add_row(*row)
    out.print(table)


if __name__ == "__main__":
    main()
