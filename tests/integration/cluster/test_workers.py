"""Workers come and go, labels and flags change, through `terp up` alone."""

import signal
import threading
import time

import pytest

from terp.cloud.process import wait_for
from terp.kubernetes.acceptance import workloads
from terp.kubernetes.acceptance.judgement import image_of_dns
from terp.kubernetes.runner.processes import processes
from tests.integration.cluster.site import CONTROL_PLANE, NODES, ClusterSite, kill

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(1500)]

NEW = "kube-cpu-2"
POD = "moves"


def test_a_worker_comes_although_the_first_try_was_killed(site: ClusterSite) -> None:
    before = len(site.runs())
    site.change(nodes__pools__cpu__count=3)
    assert f"scale.yml on {NEW}: {NEW} shall be in the cluster" in site.terp("plan", str(site.file)).stdout
    trying = site.begin()
    site.wait_for_playbook("scale")
    kill(trying)
    site.up()
    assert site.ready() == dict.fromkeys({*NODES, NEW}, True)
    assert site.new_runs(before) == ["scale.yml"]


def test_a_worker_is_drained_and_forgotten_before_its_server_goes(site: ClusterSite) -> None:
    before = len(site.runs())
    start_pod(site, NEW)
    with Witness(site) as witness:
        site.change(nodes__pools__cpu__count=2)
        site.up()
    wait_for("the pod to run elsewhere", lambda: place_of_pod(site) in NODES, 60)
    assert site.ready() == dict.fromkeys(NODES, True)
    assert site.new_runs(before) == ["remove-node.yml"]
    assert witness.unschedulable < witness.node_gone < witness.server_gone
    assert NEW not in {server.name for server in site.cloud.connect().compute.servers()}


def test_labels_are_set_and_removed_and_nothing_else_runs(site: ClusterSite) -> None:
    before = len(site.runs())
    site.change(nodes__pools__cpu__labels={"stage": "test"})
    site.up()
    labels = site.api().nodes()["kube-cpu-0"].labels
    assert labels["stage"] == "test"
    assert "tier" not in labels
    assert site.runs()[before:] == ["labels"]


def test_a_cancelled_run_leaves_nothing_behind_and_is_taken_up(site: ClusterSite) -> None:
    """And a change of the API server is seen in the process that runs."""
    flag = "--profiling=true"
    before = len(site.runs())
    assert flag not in site.argv(CONTROL_PLANE, "kube-apiserver")
    site.change(kubernetes__hardening__without_profiling=False)
    trying = site.begin()
    site.wait_for_playbook("upgrade-cluster")
    trying.send_signal(signal.SIGINT)
    trying.wait(180)
    assert trying.returncode != 0
    assert processes(site.folder) == []
    site.up()
    assert flag in site.argv(CONTROL_PLANE, "kube-apiserver")
    assert "upgrade-cluster.yml" in site.new_runs(before)
    assert site.ready() == dict.fromkeys(NODES, True)


def start_pod(site: ClusterSite, node: str) -> None:
    """Run a pod of a Deployment, on this node while it is there."""
    api = site.api()
    image = image_of_dns(api.system_images())
    pod = workloads.pod(POD, image, [node])
    spec = {"selector": {"matchLabels": pod["metadata"]["labels"]}, "template": pod}
    api.core.create_namespaced_config_map("default", workloads.config_map(POD, workloads.server_corefile()))
    api.apps.create_namespaced_deployment("default", {"metadata": {"name": POD}, "spec": spec})
    wait_for("the pod to run", lambda: place_of_pod(site) == node, 60)


def place_of_pod(site: ClusterSite) -> str:
    """The node that the pod runs on; empty while it is ready on none."""
    api = site.api()
    ready = [name for name, pod in api.pods("default").items() if pod.ready]
    return api.place(ready[0], "default")[1] if ready else ""


class Witness:
    """Sees when the worker that leaves takes no pods any more, is no node any more, is no server any more."""

    def __init__(self, site: ClusterSite) -> None:
        self.unschedulable = self.node_gone = self.server_gone = float("inf")
        self._api = site.api()
        self._cloud = site.cloud.connect()
        self._over = threading.Event()
        self._watching = threading.Thread(target=self._watch)

    def __enter__(self) -> "Witness":
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.wait(3)
        self._over.set()
        self._watching.join(30)

    def _watch(self) -> None:
        while not self._over.is_set():
            nodes = {item.metadata.name: item for item in self._api.core.list_node().items}
            servers = {server.name for server in self._cloud.compute.servers()}
            now = time.monotonic()
            if NEW in nodes and nodes[NEW].spec.unschedulable:
                self.unschedulable = min(now, self.unschedulable)
            if NEW not in nodes:
                self.node_gone = min(now, self.node_gone)
            if NEW not in servers:
                self.server_gone = min(now, self.server_gone)
            self._over.wait(0.3)
