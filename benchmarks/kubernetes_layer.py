"""Measures the Kubernetes layer, part by part.

    scripts/python development benchmarks/kubernetes_layer.py runner [--hosts 100] [--rounds 10] [--times 2]
    scripts/python development benchmarks/kubernetes_layer.py planner --hosts 1000 [--times 2]
    sudo scripts/python development benchmarks/kubernetes_layer.py life [--times 2]

`runner`: our runner against plain `ansible-playbook` with the same playbook (kubernetes_layer/cluster.yml),
inventory, variables and settings, on hosts that are all this machine. They take turns, and each begins
without facts. Memory is the greatest sum of proportional set sizes (PSS) of all processes of a run, ours
among them.

`planner`: the seconds and CPU seconds of a plan in which a cluster grows by a tenth, is upgraded over three
releases, and changes variables and labels; observation included, as models. The goal is 1 s for 1,000 hosts.

`life`: create, no-op, one worker more, one less, destroy by the embedded installer (cluster_life.py).
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "platform")]

from benchmarks.cluster_life import life

from terp.kubernetes.model import ClusterState, Node, Observation, Run, SeenNode
from terp.kubernetes.plan import plan
from terp.kubernetes.runner import Access, Installation, Runner
from terp.kubernetes.runner.configuration import configuration
from terp.kubernetes.runner.inventory import arguments, group_variables, inventory
from terp.kubernetes.runner.processes import MARK, processes
from terp.virtualenv import Virtualenv

PLAYBOOKS = PROJECT / "benchmarks" / "kubernetes_layer"
EVERY = 0.5
"""Seconds between two looks at the memory."""
RELEASES = {
    "v2.29.1": ("1.33.5", "1.33.7"),
    "v2.30.0": ("1.33.7", "1.34.3"),
    "v2.31.0": ("1.34.7", "1.35.4"),
}
"""Kubernetes versions by release, for plans."""
LIMIT = 3600.0
"""Seconds for one run."""
out = Console()


class Figures(NamedTuple):
    """Seconds, CPU seconds, and MB at the most."""

    seconds: float
    cpu: float
    memory: float


class Peak:
    """The greatest memory of the processes of a run while the block runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self.megabytes = 0.0
        self.processes: set[int] = set()

    @contextmanager
    def watched(self) -> Iterator[None]:
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            together = sum(map(_memory, [*processes(self._folder), *self.processes]))
            self.megabytes = max(self.megabytes, together / 1024)


def _memory(pid: int) -> int:
    """Proportional set size in KiB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def run_of(hosts: int, rounds: int) -> Run:
    nodes = tuple(
        Node(
            name=f"node-{number}",
            roles=("worker",),
            address=f"127.85.0.{number}",
            access_address=f"127.85.0.{number}",
            user="root",
            host_key="ssh-ed25519 AAAA",
        )
        for number in range(1, hosts + 1)
    )
    return Run(
        kind="playbook",
        playbook="cluster.yml",
        nodes=nodes,
        variables={"rounds": rounds},
        installer_version="1",
        kubernetes_version="1.36.3",
        reason="benchmark",
    )


def installation() -> Installation:
    ansible = Virtualenv("ansible")
    ansible.make(lambda said: out.print(f"  {said}"))
    return Installation("benchmark", "1", PLAYBOOKS, ansible.root / "bin")


VARIABLES = {
    "ansible_connection": "local",
    "ansible_become": False,
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}


def plain(folder: Path, run: Run) -> list[str]:
    """`ansible-playbook` on the same files as the runner's."""
    (folder / "inventory" / "group_vars").mkdir(parents=True)
    (folder / "inventory" / "hosts.yaml").write_text(inventory(run, ""))
    variables = {**VARIABLES, **run.variables}
    (folder / "inventory" / "group_vars" / "all.json").write_text(group_variables(run, variables))
    cores = os.cpu_count() or 1
    settings = configuration(folder, folder / "c", folder / "facts", len(run.nodes), cores, {})
    (folder / "ansible.cfg").write_text(settings)
    program = installation().bin / "ansible-playbook"
    return [str(program), *arguments(run, []), "-i", str(folder / "inventory"), str(PLAYBOOKS / run.playbook)]


def ours(folder: Path, run: Run) -> None:
    """The runner, in this process."""
    runner = Runner(folder, installation(), Access("none"))
    record = runner.run(run, VARIABLES, {}, lambda moment: None, threading.Event())
    if record.result != "ok" or len(record.hosts) != len(run.nodes):
        raise SystemExit(f"{record.result}: {record.failure}")


def measured(folder: Path, argv: list[str], env: dict[str, str], *, itself: bool) -> Figures:
    """One run of a program; `itself` has no mark, and is counted, too."""
    peak = Peak(folder)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with (folder.parent / "output").open("w") as output, peak.watched():
        program = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        if itself:
            peak.processes.add(program.pid)
        try:
            code = program.wait(LIMIT)
        finally:
            program.kill()
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        raise SystemExit(f"exit code {code}\n{(folder.parent / 'output').read_text()[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Figures(seconds, cpu, peak.megabytes)


def runner(options: argparse.Namespace) -> None:
    """Print medians of each contestant, and what the runner adds."""
    run, figures = run_of(options.hosts, options.rounds), {"ansible-playbook": [], "runner": []}
    common = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    for _ in range(options.times):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, "plain")
            folder.mkdir()
            env = {**common, "ANSIBLE_CONFIG": str(folder / "ansible.cfg"), MARK: str(folder)}
            figures["ansible-playbook"].append(measured(folder, plain(folder, run), env, itself=False))
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, "ours")
            argv = [sys.executable, __file__, "ours", str(folder), str(options.hosts), str(options.rounds)]
            figures["runner"].append(measured(folder, argv, common, itself=True))
            shutil.rmtree(folder)
    load = Path("/proc/loadavg").read_text().split()[0]
    tasks = options.hosts * (3 + 4 * options.rounds)
    table = Table(title=f"{options.hosts} hosts, about {tasks} results, {os.cpu_count()} cores, load {load}")
    for name in ("", "seconds", "CPU seconds", "MB"):
        table.add_column(name, justify="left" if not name else "right")
    medians = {
        name: [statistics.median(each) for each in zip(*all_of, strict=True)]
        for name, all_of in figures.items()
    }
    for name, values in medians.items():
        table.add_row(name, *(f"{value:.1f}" for value in values))
    one, other = medians["ansible-playbook"], medians["runner"]
    more = [f"{100 * (b / a - 1):+.1f} %" for a, b in zip(one[:2], other[:2], strict=True)]
    table.add_row("the runner adds", *more, f"{other[2] - one[2]:+.0f}")
    out.print(table)


def cluster_of(hosts: int, **changed: Any) -> ClusterState:
    """Three hosts of the control plane, and workers."""
    control_plane, worker = ("control-plane", "etcd"), ("worker",)
    nodes = tuple(
        Node(
            name=f"node-{number}",
            roles=control_plane if number < 3 else worker,
            address=IPv4Address("10.0.0.1") + number,
            access_address=IPv4Address("10.0.0.1") + number,
            user="debian",
            host_key="ssh-ed25519 AAAA",
            labels=changed.get("labels", {}),
        )
        for number in range(hosts)
    )
    return ClusterState(
        nodes=nodes,
        installer="kubespray",
        installer_version=changed.get("release", "v2.29.1"),
        kubernetes_version=changed.get("kubernetes", "1.33.5"),
        variables={f"kubelet_{number}": changed.get("value", 0) for number in range(200)},
    )


def planner(options: argparse.Namespace) -> None:
    """Print the best and the worst of several plans."""
    before = cluster_of(options.hosts)
    after = cluster_of(
        options.hosts + options.hosts // 10,
        labels={"zone": "a"},
        value=1,
        release="v2.31.0",
        kubernetes="1.35.4",
    )
    observed = Observation(
        reachable=frozenset(node.name for node in after.nodes),
        api_nodes={node.name: SeenNode(ready=True, version="1.33.5") for node in before.nodes},
        etcd_members={node.name: True for node in before.nodes if "etcd" in node.roles},
    )
    taken = []
    for _ in range(max(options.times, 1)):
        cpu, began = time.process_time(), time.monotonic()
        planned = plan(before, after, observed, releases=RELEASES)
        taken.append((time.monotonic() - began, time.process_time() - cpu))
    load = Path("/proc/loadavg").read_text().split()[0]
    table = Table(title=f"{options.hosts} hosts, {len(planned.runs)} runs, load {load}")
    for name in ("", "seconds", "CPU seconds"):
        table.add_column(name, justify="left" if not name else "right")
    for name, values in (("best", min(taken)), ("worst", max(taken))):
        table.add_row(name, *(f"{value:.3f}" for value in values))
    out.print(table)


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "runner": runner,
    "planner": planner,
    "life": lambda options: life(options.times, out),
}


def main() -> None:
    if sys.argv[1:2] == ["ours"]:
        ours(Path(sys.argv[2]), run_of(int(sys.argv[3]), int(sys.argv[4])))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=10, help="of four tasks each")
    parser.add_argument("--times", type=int, default=2)
    options = parser.parse_args()
    PARTS[options.part](options)


if __name__ == "__main__":
    main()
