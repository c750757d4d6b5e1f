"""A program: a control plane of kubeadm in namespaces of its own, whose certificates end and are renewed.

In the place of the kubelet it keeps running what the manifests say. Its arguments are a folder of programs
and one to work in; the last line that it prints is what it has seen (JSON). It starts as the first of its PID
namespace, so that nobody else's processes are seen, let alone ended.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from terp.kubernetes.certificates import KUBELET_CLIENT, LOOK, certificates_of
from terp.kubernetes.renewal import ADMIT, KEY, PARTS, RENEW, WAIT
from tests.integration.cluster.signing import signed_again

ADDRESS = "10.9.9.9"
KUBERNETES = Path("/etc/kubernetes")
PKI = KUBERNETES / "pki"
CONFIGURATION = f"""
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {{advertiseAddress: {ADDRESS}, bindPort: 6443}}
nodeRegistration: {{name: cp-0, criSocket: unix:///run/containerd/containerd.sock, imagePullPolicy: Never}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: lab
controlPlaneEndpoint: {ADDRESS}:6443
networking: {{podSubnet: 10.233.64.0/18, serviceSubnet: 10.233.0.0/18}}
kubernetesVersion: """
LIMIT = 200.0


def run(*argv: str) -> str:
    return subprocess.run(argv, text=True, stdout=subprocess.PIPE, check=True, timeout=LIMIT).stdout


def script(text: str) -> str:
    done = subprocess.run(
        ["sh", "-s"], input=text, text=True, capture_output=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def as_a_host(programs: Path, folder: Path) -> None:
    """Have folders, an address and a `systemctl` that nobody else has."""
    assert os.getpid() == 1, "in a PID namespace of its own alone"
    (folder / "etc").mkdir()
    run("mount", "-t", "tmpfs", "none", str(folder / "etc"))  # no copy is left
    shutil.copytree("/etc", folder / "etc", symlinks=True, dirs_exist_ok=True)
    (folder / "stand-ins").mkdir()
    systemctl = folder / "stand-ins" / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >> {folder}/systemctl\n')
    systemctl.chmod(0o700)
    os.environ["PATH"] = f"{folder}/stand-ins:{programs}:{os.environ['PATH']}"
    run("mount", "--bind", str(folder / "etc"), "/etc")
    run("mount", "-t", "tmpfs", "none", "/var/lib")
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")


def initialize() -> None:
    """Keys, kubeconfigs and manifests, as `kubeadm init` makes them."""
    KUBERNETES.mkdir()
    version = run("kubeadm", "version", "--output", "short").strip()
    (KUBERNETES / "kubeadm.yaml").write_text(CONFIGURATION + version)
    for phase in (("certs", "all"), ("kubeconfig", "all"), ("control-plane", "all"), ("etcd", "local")):
        run("kubeadm", "init", "phase", *phase, "--config", str(KUBERNETES / "kubeadm.yaml"))


class Keeper:
    """Runs the static pods, and runs them again when they end."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._programs, self._folder = programs, folder
        for name in PARTS:
            threading.Thread(target=self._keep, args=(name,), daemon=True).start()

    def _keep(self, name: str) -> None:
        while True:
            manifest = yaml.safe_load((KUBERNETES / "manifests" / f"{name}.yaml").read_text())
            command = manifest["spec"]["containers"][0]["command"]
            program = self._programs / ("server" if name == "etcd" else name)  # as its package is called
            with (self._folder / f"{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    command, executable=program, stdout=log, stderr=subprocess.STDOUT
                )
                self.running[name].wait()
            time.sleep(1)


def kubectl(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["kubectl", "--request-timeout=5s", *argv], capture_output=True, text=True, timeout=LIMIT, check=False
    )


def ready() -> bool:
    admin = KUBERNETES / "admin.conf"
    return kubectl("--kubeconfig", str(admin), "get", "--raw", "/readyz").returncode == 0


def wait_until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not what():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.5)


def ends() -> dict[str, datetime]:
    return {each.file: each.end for each in certificates_of("cp-0", script(LOOK))}


def let_end(name: str, authority: str, end: datetime) -> None:
    file = PKI / name
    signer, key = ((PKI / f"{authority}.{ending}").read_text() for ending in ("crt", "key"))
    file.write_text(signed_again(file.read_text(), signer, key, end))


def admitted() -> str:
    """Who a kubelet is for the API that was given a new key."""
    user = yaml.safe_load(script(KEY.format(name="cpu-0")))["users"][0]["user"]
    pair = b"".join(base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key"))
    Path(KUBELET_CLIENT).parent.mkdir(parents=True)
    script(ADMIT.format(pair=base64.b64encode(pair).decode()))
    said = kubectl(
        *("--server", f"https://{ADDRESS}:6443", "--certificate-authority", str(PKI / "ca.crt")),
        *("--client-certificate", KUBELET_CLIENT, "--client-key", KUBELET_CLIENT),
        *("auth", "whoami", "--output", "json"),
    )
    return str(json.loads(said.stdout)["status"]["userInfo"]["username"])


def main(programs: Path, folder: Path) -> None:
    as_a_host(programs, folder)
    initialize()
    keeper = Keeper(programs, folder)
    wait_until(ready)
    before, now = ends(), datetime.now(UTC)
    let_end("apiserver.crt", "ca", now - timedelta(days=1))
    let_end("etcd/server.crt", "etcd/ca", now - timedelta(days=2))
    keeper.running["kube-apiserver"].terminate()
    wait_until(lambda: not ready())
    time.sleep(3)
    closed, ended = not ready(), sorted(file for file, end in ends().items() if end < now)
    time.sleep(1)  # so that what is renewed ends later by a second
    script(RENEW + WAIT.format(address=ADDRESS))
    after = ends()
    seen = {
        "closed": closed,
        "ended": ended,
        "ready": ready(),
        "renewed": sorted(file for file in after if after[file] > before[file]),
        "kept": sorted(file for file in after if after[file] == before[file]),
        "admitted": admitted(),
        "systemctl": (folder / "systemctl").read_text().splitlines(),
    }
    print(json.dumps(seen))  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
