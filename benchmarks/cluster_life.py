"""What `terp up` takes from hosts to a cluster and back, on an embedded cloud of its own.

Part `life` of kubernetes_layer.py.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.cluster.site import ClusterSite

from terp.paths import PROJECT

ENVIRONMENT = PROJECT / "tests" / "integration" / "cluster" / "Pulumi.kube.yaml"
"""One control plane, two workers, a bastion, a balancer before the API."""
STEPS: dict[str, Callable[[ClusterSite], Any]] = {
    "create": lambda site: site.up(),
    "no-op": lambda site: site.up(),
    "one worker more": lambda site: _with_workers(site, 3),
    "one worker less": lambda site: _with_workers(site, 2),
    "destroy": lambda site: site.destroy(),
}


def life(times: int, out: Console) -> None:
    """Print seconds of each step and of the playbooks in it; each time from nothing."""
    title = f"Embedded installer, load {os.getloadavg()[0]:.1f}"
    table = Table("time", "step", "terp up", "playbooks in it", title=title)
    with tempfile.TemporaryDirectory(prefix="terp-benchmark-") as name:
        directory = Path(name)
        (directory / "embedded").mkdir()
        with EmbeddedCloud(directory / "embedded", hosts=True) as cloud:
            for number in range(times):
                site = ClusterSite(cloud, ENVIRONMENT, directory)
                for step, work in STEPS.items():
                    table.add_row(str(number + 1), step, *_timed(site, work))
    out.print(table)


def _with_workers(site: ClusterSite, count: int) -> None:
    site.change(nodes__pools__cpu__count=count)
    site.up()


def _timed(site: ClusterSite, work: Callable[[ClusterSite], Any]) -> tuple[str, str]:
    before = len(site.runs())
    began = time.monotonic()
    work(site)
    seconds = time.monotonic() - began
    ran = site.cluster()["runs"][before:]
    return f"{seconds:.1f} s", ", ".join(f"{run['playbook']} {run['seconds']:.0f} s" for run in ran)
