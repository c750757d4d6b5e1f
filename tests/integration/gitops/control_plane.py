"""A control plane without nodes: kwok plays the kubelets.

Flags: etcd 3.6, Kubernetes 1.36, kwok 0.8.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from terp.cloud.process import wait_for
from terp.command import Command
from terp.gitops.application import NAMESPACE
from terp.progress import Progress
from terp.tools import Toolchain
from tests.integration.gitops.processes import Processes, free_port
from tests.integration.gitops.stages import stages

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TOKEN = "of-the-test"
ROOM = {"cpu": "1000", "memory": "4Ti", "pods": "2000"}
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "node", "labels": {"kubernetes.io/os": "linux", "kubernetes.io/hostname": "node"}},
    "status": {"capacity": ROOM, "allocatable": ROOM},
}
KWOK = {
    "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
    "kind": "KwokConfiguration",
    "options": {  # all of them, since what a file leaves out is zero
        "manageAllNodes": True,
        "podPlayStageParallelism": 8,
        "nodePlayStageParallelism": 2,
        "nodeLeaseParallelism": 2,
        "nodeLeaseDurationSeconds": 40,
    },
}


class ControlPlane:
    """Its API, by kubectl and by HTTP, as an administrator."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self._port = free_port()
        self.kubeconfig = processes.root / "kubeconfig"
        program = (str(processes.toolchain.path("kubectl")), "--kubeconfig", str(self.kubeconfig))
        self.kubectl = Command(program, timeout=60)

    def start(self) -> None:
        self.kubeconfig.write_text(yaml.safe_dump(self._access()))
        key = self.processes.root / "accounts.key"
        key.write_bytes(_private_key())
        self._etcd_and_api(str(key))
        self._controllers(str(key))
        self._nodes()

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        base = f"https://127.0.0.1:{self._port}"
        return httpx.Client(base_url=base, headers=headers, verify=False, timeout=30)  # noqa: S501 - it signs itself

    def apply(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Also definitions of kinds, which are served afterwards."""
        every = list(objects)
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": every})
        self.kubectl.run("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
        if any(each["kind"] == "CustomResourceDefinition" for each in every):
            wait_for("the kinds", self._kinds_are_served, 60, 0.2)

    def patch(self, kind: str, name: str, change: Mapping[str, Any]) -> None:
        self.kubectl.run("patch", kind, name, "-n", NAMESPACE, "--type=merge", "-p", json.dumps(change))

    def _kinds_are_served(self) -> bool:
        with self.client() as client:
            every = client.get(DEFINITIONS).raise_for_status().json()["items"]
        return all(_established(each["status"].get("conditions") or []) for each in every)

    def _etcd_and_api(self, key: str) -> None:
        root = self.processes.root
        tokens = root / "tokens.csv"
        tokens.write_text(f"{TOKEN},administrator,administrator,system:masters\n")
        etcd, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        flags: dict[str, object] = {
            "name": "etcd",
            "data-dir": root / "etcd",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
            "listen-client-urls": etcd,
            "advertise-client-urls": etcd,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"etcd={peers}",
        }
        self.processes.start("etcd", "server", flags)
        flags = {
            "etcd-servers": etcd,
            "secure-port": self._port,
            "cert-dir": root / "certificates",
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "endpoint-reconciler-type": "none",
            "token-auth-file": tokens,
            "authorization-mode": "RBAC",
            "service-cluster-ip-range": "10.96.0.0/16",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": key,
            "service-account-signing-key-file": key,
            "disable-admission-plugins": "TaintNodesByCondition",  # nobody would take the taint away
        }
        self.processes.start("kube-apiserver", "kube-apiserver", flags)
        with self.client() as client:
            self.processes.wait_for("the API server", client, "/readyz")

    def _controllers(self, key: str) -> None:
        common = {
            "kubeconfig": self.kubeconfig,
            "leader-elect": "false",
            "secure-port": 0,
            "kube-api-qps": 300,
            "kube-api-burst": 600,
        }
        flags = {
            **common,
            "service-account-private-key-file": key,
            "controllers": "*,-node-lifecycle-controller",  # kwok's node sends no heartbeats
        }
        self.processes.start("kube-controller-manager", "kube-controller-manager", flags)
        self.processes.start("kube-scheduler", "kube-scheduler", common)
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        with self.client() as client:
            self.processes.wait_for("the controller manager", client, account)

    def _nodes(self) -> None:
        file = self.processes.root / "kwok.yaml"
        file.write_text(yaml.safe_dump_all([KWOK, *stages()]))
        address = f"127.0.0.1:{free_port()}"
        flags = {"config": file, "kubeconfig": self.kubeconfig, "server-address": address}
        self.processes.start("kwok", "kwok", flags)
        with httpx.Client() as client:
            self.processes.wait_for("kwok", client, f"http://{address}/healthz")
        self.apply([NODE])

    def _access(self) -> Mapping[str, object]:
        cluster = {"server": f"https://127.0.0.1:{self._port}", "insecure-skip-tls-verify": True}
        context = {"cluster": "test", "user": "test", "namespace": NAMESPACE}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": TOKEN}}],
            "contexts": [{"name": "test", "context": context}],
        }


@contextmanager
def started(toolchain: Toolchain, progress: Progress, folder: Path) -> Iterator[ControlPlane]:
    """One that runs in a folder."""
    processes = Processes(toolchain, folder)
    try:
        with progress.task("control plane"):
            found = ControlPlane(processes)
            found.start()
        yield found
    finally:
        processes.stop()


def _established(conditions: Iterable[Mapping[str, str]]) -> bool:
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _private_key() -> bytes:
    """What the tokens of accounts are signed with."""
    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
