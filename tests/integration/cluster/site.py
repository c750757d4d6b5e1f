"""A cluster on real hosts, and what its API, its hosts and its runs say."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from terp.cloud.process import wait_for
from terp.kubernetes.acceptance.api import Api
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.openstack.site import descendants, everything
from tests.integration.sandbox.site import Site

CONTROL_PLANE, WORKER = "kube-control-plane-0", "kube-cpu-0"
NODES = {CONTROL_PLANE, WORKER, "kube-cpu-1"}


class ClusterSite(Site):
    """An environment with a cluster."""

    @property
    def kubeconfig(self) -> Path:
        """What `terp up` wrote."""
        return self.root / "kubeconfig"

    @property
    def folder(self) -> Path:
        """What the runs of the cluster leave on this machine."""
        return self.root.parents[1] / "clusters" / self.root.name

    def change(self, **values: Any) -> None:
        """Set keys of the environment, `nodes__pools__cpu__count=3`; None removes one."""
        document = yaml.safe_load(self.file.read_text())
        for key, value in values.items():
            *way, last = key.split("__")
            place = document["config"]["terp:environment"]
            for step in way:
                place = place.setdefault(step, {})
            if value is None:
                place.pop(last, None)
            else:
                place[last] = value
        self.file.write_text(yaml.safe_dump(document, sort_keys=False))

    def api(self) -> Api:
        """The API, through the kubeconfig that `terp up` wrote."""
        return Api(self.kubeconfig.read_text())

    def answers(self, host: str) -> bool:
        """Whether a host answers SSH."""
        argv = ["ssh", "-F", str(self.ssh_config), host, "true"]
        return subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode == 0

    def ready(self) -> dict[str, bool]:
        """Whether each node is ready, by name."""
        return {name: node.ready for name, node in self.api().nodes().items()}

    def capacity(self, node: str) -> int:
        """How many pods a node takes."""
        return int(self.api().core.read_node(node).status.capacity["pods"])

    def runs(self) -> list[str]:
        """The playbooks and errands that have run, oldest first."""
        outputs = self.cluster()
        return [run["playbook"] for run in outputs["runs"]]

    def new_runs(self, before: int) -> list[str]:
        """Those after the first `before`, without the snapshots and facts that come before others."""
        return [each for each in self.runs()[before:] if each not in ("snapshot", "playbooks/facts.yml")]

    def cluster(self) -> dict[str, Any]:
        """The cluster's properties in Pulumi's state, secrets encrypted."""
        file = self.root.parents[1] / "pulumi" / ".pulumi" / "stacks" / "terp" / f"{self.root.name}.json"
        if not file.exists():
            return {"runs": []}
        resources = json.loads(file.read_text())["checkpoint"]["latest"].get("resources", [])
        found = [each for each in resources if each["type"] == "terp:kubernetes:Cluster"]
        return dict(found[0]["outputs"]) if found else {"runs": []}

    def destroy(self) -> None:
        """`terp destroy`, and nobody is asked."""
        done = self.terp("destroy", str(self.file), "--yes")
        assert done.returncode == 0, done.stdout + done.stderr

    def fails(self, *args: str) -> str:
        """What `terp up` says when it fails."""
        done = self.terp("up", str(self.file), *args)
        assert done.returncode != 0, done.stdout[-3000:]
        return done.stdout + done.stderr

    def begin(self) -> "subprocess.Popen[str]":
        """`terp up` in the background, in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "terp", "up", str(self.file), "--json"],
            env=self.cloud.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # nobody reads it, and a full pipe would stop the run
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def wait_for_playbook(self, name: str, limit: float = 240) -> None:
        """Wait until a playbook of this name runs on the cluster, and has begun with its tasks."""
        begun = len(self.logs(name))
        wait_for(f"{name} to run", lambda: any("TASK" in log for log in self.logs(name)[begun:]), limit)

    def logs(self, name: str) -> list[str]:
        """What the runs of a playbook have logged, oldest first."""
        folders = sorted((self.folder / "runs").glob(f"*-{name}"))
        return [file.read_text() for folder in folders if (file := folder / "log.txt").exists()]

    def argv(self, host: str, program: str) -> list[str]:
        """The command line of a program that runs on a host."""
        print_them = f"sudo cat /proc/$(pgrep -xo {program[:15]})/cmdline | tr '\\0' '\\n'"
        return str(self.remote(host).check_output(print_them)).splitlines()


def kill(process: "subprocess.Popen[str]") -> None:
    """Kill a program and all that it has started at once, as a machine that fails does."""
    for pid in [process.pid, *descendants(process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(10)


@contextmanager
def raised(file: Path, directory: Path) -> Iterator[ClusterSite]:
    """The environment of a file on a cloud of its own; in the end the cloud has nothing of it."""
    stacks = directory / "stacks"
    (directory / "state").mkdir()
    stacks.mkdir()
    with EmbeddedCloud(directory / "state", hosts=True) as cloud:
        site = ClusterSite(cloud, file, stacks)
        site.up()
        yield site
        site.destroy()
        assert not any(everything(cloud.connect()).values())
