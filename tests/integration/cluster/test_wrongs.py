"""What stops a run before it harms anything, and what says why it failed."""

import base64

import pytest

from tests.integration.cluster.site import CONTROL_PLANE, WORKER, ClusterSite

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(1500)]

KEY = "/etc/kubernetes/pki/secrets_encryption.yaml"
OTHER = base64.b64encode(b"another key of thirty-two bytes!").decode()


def test_hosts_with_another_key_are_not_touched(site: ClusterSite) -> None:
    before = site.runs()
    remote = site.remote(CONTROL_PLANE)
    remote.check_output(
        f"sudo sed -i.kept 's/secret: .*/secret: b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMTI=/' {KEY}"
    )
    site.change(kubernetes__hardening__audit=False)
    try:
        said = site.fails()
    finally:
        remote.check_output(f"sudo mv {KEY}.kept {KEY}")
        site.change(kubernetes__hardening=None)
    assert "kube_encrypt_token" in said
    assert site.runs() == before
    site.up()


def test_a_host_that_does_not_answer_is_named_before_anything_runs(site: ClusterSite) -> None:
    before = site.runs()
    cloud = site.cloud.connect()
    site.cloud.terp("fault", "kill", WORKER)
    site.change(kubernetes__kubelet__max_pods=100)
    try:
        said = site.fails()
    finally:
        server = cloud.compute.find_server(WORKER)
        cloud.compute.start_server(server)
        site.change(kubernetes__kubelet=None)
    assert f"{WORKER} does not answer SSH" in said
    assert site.runs() == before
    cloud.compute.wait_for_server(server, wait=60, interval=0.5)
    site.up()


def test_a_task_that_fails_is_told_with_host_task_and_log_and_up_goes_on(site: ClusterSite) -> None:
    """A file stands on one worker where the installer wants a folder."""
    remote = site.remote(WORKER)
    remote.check_output("sudo sh -c 'mv /etc/haproxy /etc/haproxy.kept && touch /etc/haproxy'")
    site.change(kubernetes__kubelet={"max_pods": 100})
    try:
        said = site.fails()
    finally:
        remote.check_output("sudo sh -c 'rm /etc/haproxy && mv /etc/haproxy.kept /etc/haproxy'")
    assert f"upgrade-cluster.yml: {WORKER}: " in said
    assert "Put a proxy before all API servers" in said
    assert "log.txt" in said
    assert site.cluster()["runs"][-1]["result"] == "failed"
    site.up()
    assert site.capacity(WORKER) == 100
    assert all(site.ready().values())
    site.change(kubernetes__kubelet=None)
    site.up()
    assert site.capacity(WORKER) == 110
