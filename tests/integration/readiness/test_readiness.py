"""What the checks find on real hosts, over real SSH through a bastion."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from terp.kubernetes.readiness import Report
from tests.integration.readiness.conftest import Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.cloud]

LOCK = "/var/lib/dpkg/lock-frontend"
HOLD = f"import fcntl, time; f = open('{LOCK}', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(300)"


def said(report: Report, host: str, check: str) -> str:
    return "\n".join(each.message for each in report.findings if (each.host, each.check) == (host, check))


@contextmanager
def everything_wrong(hosts: Hosts) -> Iterator[None]:
    """A name, a lock, remains, a small MTU, sshd's limit, a resolver; and two ports that are closed."""
    link = hosts.run("worker-1", "ip -o route show default | grep -o 'dev [^ ]*' | cut -d' ' -f2")
    mtu = int(hosts.run("worker-1", f"cat /sys/class/net/{link}/mtu"))
    hosts.run("worker-0", "hostname other")
    hosts.run("worker-0", f'systemd-run --quiet --unit=held python3 -c "{HOLD}"')
    hosts.run("worker-0", "mkdir -p /etc/kubernetes && touch /etc/kubernetes/kubelet.conf")
    hosts.run("worker-1", f"ip link set {link} mtu {mtu - 60}")
    hosts.run("worker-1", "echo MaxSessions 3 > /etc/ssh/sshd_config.d/00-few.conf")
    hosts.run("cp-0", "mount --bind /dev/null /etc/resolv.conf")
    network = hosts.site.member.network
    for rule in network.security_group_rules(security_group_id=hosts.site.inner, direction="ingress"):
        if rule.remote_group_id == hosts.site.inner:
            network.delete_security_group_rule(rule)
    for protocol, port in (("icmp", None), ("tcp", 22), ("tcp", 10250)):
        hosts.site.allow(
            hosts.site.inner, hosts.site.rule(protocol=protocol, port=port, group=hosts.site.inner)
        )
    yield
    hosts.site.allow(hosts.site.inner, hosts.site.rule(group=hosts.site.inner))
    hosts.run("cp-0", "umount /etc/resolv.conf")
    hosts.run("worker-1", f"ip link set {link} mtu {mtu}; rm /etc/ssh/sshd_config.d/00-few.conf")
    hosts.run("worker-0", "hostname worker-0; systemctl stop held; rm -r /etc/kubernetes")


def test_healthy_hosts_are_ready_within_the_bound(hosts: Hosts) -> None:
    report = hosts.check()
    assert report.errors == ()
    assert report.hosts == 4
    assert report.seconds < 30


def test_everything_that_is_wrong_is_said_at_once(hosts: Hosts) -> None:
    with everything_wrong(hosts):
        report = hosts.check()
        assert said(report, "worker-0", "name") == "its host name is other"
        assert LOCK in said(report, "worker-0", "packages")
        assert "python3" in said(report, "worker-0", "packages")
        assert "/etc/kubernetes/kubelet.conf" in said(report, "worker-0", "leftovers")
        assert said(report, "worker-1", "mtu").startswith("packets of the full size from ")
        assert said(report, "worker-1", "sshd") == "MaxSessions is 3"
        assert said(report, "cp-0", "dns") == "it has no name server"
        ports = said(report, "cp-0", "ports").splitlines()
        assert [line.split()[0] for line in ports] == ["6443/tcp", "8472/udp"]
        assert "cannot be reached from worker-0, worker-1" in ports[0]
        assert said(report, "worker-0", "ports").startswith("8472/udp at ")
        assert {each.check for each in report.errors} == {
            *("dns", "leftovers", "mtu", "name", "packages", "ports", "sshd")
        }
        assert report.seconds < 30
    again = hosts.check()
    assert again.errors == ()


def test_what_a_node_of_this_cluster_has_is_no_remainder(hosts: Hosts) -> None:
    hosts.run("worker-0", "mkdir -p /etc/kubernetes && touch /etc/kubernetes/kubelet.conf")
    report = hosts.check(members=["worker-0"])
    hosts.run("worker-0", "rm -r /etc/kubernetes")
    assert said(report, "worker-0", "leftovers") == ""


def test_a_host_with_another_key_is_not_spoken_to(hosts: Hosts) -> None:
    first, second, third = hosts.nodes
    report = hosts.check(first, second, third.model_copy(update={"host_key": first.host_key}))
    assert "worker-1 does not answer SSH" in said(report, "worker-1", "ssh")
    assert [each.host for each in report.errors] == ["worker-1"]


def test_what_hosts_must_reach_is_tried_from_each_of_them(hosts: Hosts) -> None:
    address = hosts.addresses["worker-0"]
    hosts.site.listen(address, 8080, "here")
    here, nowhere = f"http://{address}:8080/v2/", "http://nowhere.example.org/"
    report = hosts.check(urls={here: True, nowhere: True}, networks=[("pods", "10.20.0.0/16")])
    for name in hosts.addresses:
        assert nowhere in said(report, name, "downloads")
        assert here not in said(report, name, "downloads")
        assert said(report, name, "dns").startswith("nowhere.example.org is not resolved")
        assert "10.20.0.0/24" in said(report, name, "networks")
        assert "overlaps 10.20.0.0/16, the network of pods" in said(report, name, "networks")
