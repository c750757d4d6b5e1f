"""What stops a run before it harms anything, and what says why it failed."""

import base64

import pytest

from terp.cloud.process import wait_for
from tests.integration.cluster.site import CONTROL_PLANE, WORKER, ClusterSite

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(1500)]

KEY = "/etc/kubernetes/pki/secrets_encryption.yaml"
OTHER = base64.b64encode(b"another key of thirty-two bytes!").decode()
"""What the API server would encrypt with."""


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (f"s,secret: [^}}]*,secret: {OTHER},", "kube_encrypt_token"),
        ("s,[}],,", "no readable EncryptionConfiguration"),
    ],
)
def test_hosts_with_another_key_are_not_touched(site: ClusterSite, edit: str, says: str) -> None:
    before = site.runs()
    remote = site.remote(CONTROL_PLANE)
    key = remote.check_output(f"sudo cat {KEY}").partition('secret: "')[2].partition('"')[0]
    remote.check_output(f"sudo sed -i.kept '{edit}' {KEY}")
    site.change(kubernetes__hardening__audit=False)
    try:
        said = site.fails()
    finally:
        remote.check_output(f"sudo mv {KEY}.kept {KEY}")
        site.change(kubernetes__hardening__audit=None)
    assert says in said
    assert key
    assert key not in said
    assert site.runs() == before


def test_a_host_that_does_not_answer_is_named_before_anything_runs(site: ClusterSite) -> None:
    before = site.runs()
    site.remote(WORKER).check_output("sudo systemctl stop ssh.service")
    site.change(kubernetes__kubelet__max_pods=100)
    try:
        said = site.fails()
    finally:
        cloud = site.cloud.connect()
        server = cloud.compute.find_server(WORKER)
        cloud.compute.reboot_server(server, "HARD")
        cloud.compute.wait_for_server(server, wait=60, interval=0.5)
    assert f"{WORKER} does not answer SSH" in said
    assert site.runs() == before
    wait_for("its SSH", lambda: site.answers(WORKER), 60)
    wait_for("all nodes to be ready", lambda: all(site.ready().values()), 120)


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
