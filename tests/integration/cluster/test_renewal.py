"""What renews certificates on a node, on a control plane of kubeadm alone: programs in namespaces."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from terp.paths import PROJECT
from terp.progress import Progress
from terp.tools import sync

pytestmark = [pytest.mark.hosts, pytest.mark.tools, pytest.mark.timeout(400)]
NAMESPACES = ("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child")
PKI = "/etc/kubernetes/pki"


def test_a_closed_api_is_opened_by_what_is_on_the_node(progress: Progress, tmp_path: Path) -> None:
    programs = sync("embedded", progress).path("kubeadm").parent
    done = subprocess.run(
        [*NAMESPACES, sys.executable, "-m", "tests.integration.cluster.control_plane", programs, tmp_path],
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'platform'}:{PROJECT}"},
        cwd=PROJECT, capture_output=True, text=True, timeout=380, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert (seen["closed"], seen["ready"]) == (True, True)
    assert seen["ended"] == [f"{PKI}/apiserver.crt", f"{PKI}/etcd/server.crt"]
    assert set(seen["renewed"]) == {
        *(
            f"/etc/kubernetes/{name}.conf"
            for name in ("admin", "controller-manager", "scheduler", "super-admin")
        ),
        *(f"{PKI}/{name}.crt" for name in ("apiserver", "apiserver-etcd-client", "apiserver-kubelet-client")),
        *(f"{PKI}/etcd/{name}.crt" for name in ("healthcheck-client", "peer", "server")),
        f"{PKI}/front-proxy-client.crt",
    }
    assert set(seen["kept"]) == {
        "/etc/kubernetes/kubelet.conf",
        *(f"{PKI}/{name}.crt" for name in ("ca", "etcd/ca", "front-proxy-ca")),
    }
    assert seen["admitted"] == "system:node:cpu-0"
    assert seen["systemctl"] == ["restart kubelet"] * 2
