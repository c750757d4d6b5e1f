"""Certificates that have ended or soon will: seen, renewed, and the API answers again."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from terp.cloud.process import wait_for
from terp.errors import TerpError
from terp.kubernetes.certificates import HERE, KUBELET, KUBELET_CLIENT, KUBELET_SERVER
from tests.integration.cluster.signing import signed_again
from tests.integration.cluster.site import CONTROL_PLANE, NODES, WORKER, ClusterSite

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(1500)]

OTHER = "kube-cpu-1"
PKI = "/etc/kubernetes/pki"
SERVER, FRONT_PROXY = f"{PKI}/apiserver.crt", f"{PKI}/front-proxy-client.crt"
ETCD = f"{PKI}/etcd/server.crt"
EVERY = {
    *(
        f"{PKI}/{name}.crt"
        for name in ("ca", "apiserver", "apiserver-kubelet-client", "apiserver-etcd-client")
    ),
    *(f"{PKI}/{name}.crt" for name in ("front-proxy-ca", "front-proxy-client")),
    *(f"{PKI}/etcd/{name}.crt" for name in ("ca", "server", "peer", "healthcheck-client")),
    *(f"/etc/kubernetes/{name}.conf" for name in ("admin", "super-admin", "controller-manager", "scheduler")),
    KUBELET_CLIENT,
}
"""Of a control plane that kubeadm has made."""


def certs(site: ClusterSite, *args: str, code: int = 0) -> dict[str, Any]:
    done = site.terp("certs", args[0], str(site.file), *args[1:], "--json")
    assert done.returncode == code, done.stdout + done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def ends(said: dict[str, Any], host: str) -> dict[str, datetime]:
    return {
        each["file"]: datetime.fromisoformat(each["end"])
        for each in said["certificates"]
        if each["host"] == host
    }


def let_end(site: ClusterSite, file: str, authority: str, end: datetime, host: str = CONTROL_PLANE) -> None:
    """Have an authority sign the same certificate with another end; a key beside it stays."""
    first, remote = site.remote(CONTROL_PLANE), site.remote(host)
    was = remote.check_output(f"sudo cat {file}")
    key_beside = was.partition("-----END CERTIFICATE-----")[2].strip()
    signer, key = (first.check_output(f"sudo cat {authority}.{ending}") for ending in ("crt", "key"))
    text = f"{signed_again(was, signer, key, end)}{key_beside}"
    remote.check_output(f"echo '{text}' | sudo tee {file} > /dev/null")


def answers(site: ClusterSite) -> bool:
    try:
        return bool(site.api().nodes())
    except (TerpError, ApiException, HTTPError):
        return False


def heard_of(site: ClusterSite, node: str) -> datetime:
    """When a kubelet was last heard of."""
    said = site.remote(CONTROL_PLANE).check_output(
        "sudo kubectl --kubeconfig /etc/kubernetes/admin.conf --namespace kube-node-lease "
        f"get lease {node} --output 'jsonpath={{.spec.renewTime}}'"
    )
    return datetime.fromisoformat(str(said))


def test_every_certificate_is_read_from_its_host(site: ClusterSite) -> None:
    said = certs(site, "status")
    assert (said["due"], said["silent"]) == ([], [])
    assert ends(said, CONTROL_PLANE).keys() >= EVERY
    assert {each["host"] for each in said["certificates"]} == {*NODES, HERE}
    assert all("kubelet-client-current" in str(ends(said, node).keys()) for node in NODES)
    year = certs(site, "status", "--within", "400d", code=1)
    others = {each["file"] for each in year["due"] if each["remedy"] != "terp certs renew"}
    assert others <= {f"{KUBELET}/kubelet-server-current.pem"}, "the kubelet's own affair"
    assert f"{PKI}/ca.crt" not in {each["file"] for each in year["due"]}


def test_nothing_is_renewed_before_its_time(site: ClusterSite) -> None:
    before = ends(certs(site, "status"), CONTROL_PLANE)
    said = certs(site, "renew")
    assert said["renewed"] is False
    assert ends(said, CONTROL_PLANE) == before


def test_certificates_that_have_ended_are_named_and_renewed(site: ClusterSite) -> None:
    """Those of the API server and of etcd, so that nothing reaches the cluster, and that of a worker."""
    now = datetime.now(UTC)
    before = certs(site, "status")
    let_end(site, SERVER, f"{PKI}/ca", now - timedelta(days=1))
    let_end(site, ETCD, f"{PKI}/etcd/ca", now - timedelta(days=2))
    let_end(site, FRONT_PROXY, f"{PKI}/front-proxy-ca", now + timedelta(days=5))
    let_end(site, KUBELET_CLIENT, f"{PKI}/ca", now - timedelta(days=3), WORKER)
    site.remote(WORKER).check_output("sudo systemctl restart kubelet; true")
    let_end(site, KUBELET_SERVER, f"{PKI}/ca", now - timedelta(days=4), OTHER)
    remote = site.remote(CONTROL_PLANE)
    remote.check_output("sudo pkill -f '^kube-apiserver .*--tls-cert-file=/etc/kubernetes/'")
    wait_for("the API to be closed", lambda: not answers(site), 120)

    said = certs(site, "status", code=1)
    assert [(each["host"], each["file"]) for each in said["due"]] == [
        (OTHER, KUBELET_SERVER),
        (WORKER, KUBELET_CLIENT),
        (CONTROL_PLANE, ETCD),
        (CONTROL_PLANE, SERVER),
        (CONTROL_PLANE, FRONT_PROXY),
    ]
    ended = [each["file"] for each in certs(site, "status", "--within", "1d", code=1)["due"]]
    assert ended == [KUBELET_SERVER, KUBELET_CLIENT, ETCD, SERVER]
    shown = site.terp("certs", "status", str(site.file)).stdout
    assert "5 of" in shown
    file = site.file.read_text()
    site.change(nodes__pools__cpu__labels={"stage": "ended"})
    assert f"the certificate of the API server on {CONTROL_PLANE} has ended" in site.fails()
    site.file.write_text(file)

    runs, closed = site.runs(), datetime.now(UTC)
    said = certs(site, "renew")
    assert (said["renewed"], said["due"]) == (True, [])
    old, new = ends(before, CONTROL_PLANE), ends(said, CONTROL_PLANE)
    renewed = {file for file in EVERY if new[file] > old[file]}
    assert renewed == {
        file for file in EVERY if not file.endswith("ca.crt") and not file.startswith("/var/lib/kubelet")
    }
    assert ends(said, HERE)["kubeconfig"] > ends(before, HERE)["kubeconfig"]

    assert ends(said, WORKER)[KUBELET_CLIENT] > now + timedelta(days=300)
    assert ends(said, OTHER)[KUBELET_SERVER] > now + timedelta(days=300)
    wait_for("the API to answer", lambda: answers(site), 120)
    wait_for("the worker to be heard of", lambda: heard_of(site, WORKER) > closed, 120)
    wait_for("the nodes to be ready", lambda: site.ready() == dict.fromkeys(NODES, True), 120)
    served = remote.check_output(
        "openssl s_client -connect 127.0.0.1:6443 </dev/null 2>/dev/null | openssl x509 -noout -enddate"
    )
    assert str(new[SERVER].year) in served
    assert site.runs() == runs
    assert set(site.up()["changes"]) <= {"same", "read"}


def test_a_host_that_does_not_answer_is_told(site: ClusterSite) -> None:
    site.remote(OTHER).check_output(
        "sudo systemd-run --on-active=45 systemctl start ssh.service && sudo systemctl stop ssh.service"
    )
    try:
        said = certs(site, "status", code=1)
        assert (said["silent"], said["due"]) == ([OTHER], [])
    finally:
        wait_for("the host to answer again", lambda: site.answers(OTHER), 120)
