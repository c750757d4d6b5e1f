from ipaddress import IPv4Address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.errors import TerpError
from terp.kubernetes.model import Node
from terp.kubernetes.readiness.facts import Clock, Contact, Facts, Silence, clock_of
from terp.kubernetes.readiness.finding import Report, error, warning
from terp.kubernetes.readiness.judgement import judge, judge_clocks, judge_jump, judge_silences
from terp.kubernetes.readiness.needs import Needs

NODE = Node(
    name="prod-cpu-0",
    roles=("control-plane", "etcd", "worker"),
    address=IPv4Address("10.0.0.5"),
    access_address=IPv4Address("10.0.0.5"),
    user="debian",
    host_key="ssh-ed25519 AAAA",
)
HEALTHY = Facts(
    cloud_init="done",
    hostname="prod-cpu-0",
    server_name="prod-cpu-0",
    mtus={"127.0.0.1": 65536, "10.0.0.5": 1450},
    routes=("10.0.0.0/22", "fd00::/64"),
    began=100.0,
    ended=101.0,
    clock_kept=True,
    resolvers=("10.0.0.2",),
    unresolved={},
    unreached={},
    free={"/var/lib/etcd": 9.0, "/var/lib/containerd": 30.0, "/var/lib/kubelet": 30.0},
    fsync_p99=0.002,
    kernel="6.1.0-18-amd64",
    cgroup=2,
    missing_modules=(),
    swap=(),
    package_locks={},
    sshd={"maxsessions": "128", "maxstartups": "128:30:512"},
    firewall="",
    leftovers=(),
    memory=8000,
    udp_ports=frozenset(),
    silences=(),
)
NEEDS = Needs(networks=(("pods", ip_network("10.233.64.0/18")), ("pods", ip_network("fd85::/104"))))


def changed(**values: Any) -> Facts:
    return HEALTHY.model_copy(update=values)


def test_a_healthy_host_has_nothing_to_be_said_of():
    assert judge(NODE, HEALTHY, NEEDS) == ()


@pytest.mark.parametrize(
    ("values", "check", "severity", "words"),
    [
        ({"cloud_init": "running"}, "cloud-init", "error", "it has not ended: running"),
        ({"cloud_init": "error - done"}, "cloud-init", "error", "it failed"),
        ({"hostname": "localhost"}, "name", "error", "its host name is localhost"),
        ({"server_name": "old"}, "name", "error", "the cloud's name of the server is old"),
        (
            {"mtus": {"10.9.0.5": 1500}},
            "address",
            "error",
            "10.0.0.5 is on none of its interfaces; it has 10.9",
        ),
        ({"clock_kept": False}, "time", "error", "nothing keeps its clock"),
        ({"resolvers": ()}, "dns", "error", "no name server"),
        ({"resolvers": ("127.0.0.53",)}, "dns", "error", "CoreDNS would loop"),
        ({"resolvers": ("::1",)}, "dns", "error", "CoreDNS would loop"),
        ({"unresolved": {"dl.k8s.io": "no"}}, "dns", "error", "dl.k8s.io is not resolved: no"),
        ({"unreached": {"https://quay.io/v2/": "refused"}}, "downloads", "error", "https://quay.io/v2/"),
        ({"fsync_p99": 0.04}, "disk", "warning", "up to 40 ms"),
        ({"fsync_p99": 0.4}, "disk", "error", "up to 400 ms"),
        (
            {"free": {**HEALTHY.free, "/var/lib/etcd": 1.0}},
            "disk",
            "error",
            "1.0 GiB are free for /var/lib/etcd",
        ),
        ({"kernel": "4.18.0-553.el8"}, "kernel", "error", "it runs Linux 4.18"),
        ({"cgroup": 1}, "kernel", "error", "cgroup v1"),
        ({"missing_modules": ("overlay",)}, "kernel", "error", "lacks overlay"),
        ({"swap": ("/dev/vda2",)}, "swap", "warning", "/dev/vda2"),
        ({"package_locks": {"/var/lib/dpkg/lock": "apt (process 7)"}}, "packages", "error", "held by apt"),
        ({"sshd": {"maxsessions": "4", "maxstartups": "10:30:100"}}, "sshd", "error", "MaxSessions is 4"),
        ({"sshd": {"maxsessions": "10", "maxstartups": "5"}}, "sshd", "error", "MaxStartups is 5"),
        ({"firewall": "ufw"}, "firewall", "warning", "ufw is active"),
        ({"memory": 1200}, "memory", "error", "1200 MiB"),
        ({"routes": ("10.233.0.0/16",)}, "networks", "error", "a route to 10.233.0.0/16, which overlaps"),
        ({"routes": ("fd85::1",)}, "networks", "error", "a route to fd85::1/128, which overlaps fd85::/104"),
        ({"leftovers": ("/etc/kubernetes/admin.conf",)}, "leftovers", "error", "/etc/kubernetes/admin.conf"),
    ],
)
def test_each_fault_is_found_by_itself(values, check, severity, words):
    (finding,) = judge(NODE, changed(**values), NEEDS)
    assert (finding.host, finding.check, finding.severity) == ("prod-cpu-0", check, severity)
    assert words in finding.message
    assert finding.suggestion


def test_all_faults_are_found_at_once():
    bad = changed(
        hostname="x", swap=("/swap",), cgroup=1, memory=1, leftovers=("cni0",), cloud_init="running"
    )
    assert {each.check for each in judge(NODE, bad, NEEDS)} == {
        *("name", "swap", "kernel", "memory", "leftovers", "cloud-init")
    }


def test_what_its_own_cluster_left_on_a_node_is_right():
    bad = changed(leftovers=("cni0",), routes=("10.233.64.0/24",))
    assert judge(NODE, bad, NEEDS.model_copy(update={"members": frozenset({NODE.name})})) == ()


def test_the_disk_of_etcd_is_that_of_etcd_alone():
    worker = NODE.model_copy(update={"roles": ("worker",)})
    assert judge(worker, changed(fsync_p99=9.0, free={**HEALTHY.free, "/var/lib/etcd": 0.1}), NEEDS) == ()


def test_in_a_container_clock_and_modules_are_the_machines():
    assert judge(NODE, changed(clock_kept=None), NEEDS) == ()


def test_the_bastion_takes_as_many_connections_as_there_are_forks():
    assert not list(judge_jump(NODE, HEALTHY, 100))
    (finding,) = judge_jump(NODE, changed(sshd={"maxstartups": "10:30:100"}), 40)
    assert "40 connections" in finding.message
    assert finding.suggestion == "MaxStartups 40:30:160"


def test_a_clock_is_measured_against_what_it_took_to_ask():
    clock = clock_of(changed(began=1007.0, ended=1009.0), asked=1000.0, answered=1010.0)
    assert clock == Clock(least=-1.0, most=7.0)


def test_a_clock_that_is_not_the_others_is_found():
    near = {f"h{number}": Clock(least=-0.5, most=0.5) for number in range(3)}
    (finding,) = judge_clocks({**near, "late": Clock(least=-61.0, most=-60.0)})
    assert (finding.host, finding.message) == ("late", "its clock is 60 s behind the other hosts'")
    assert not list(judge_clocks({}))


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 20)), min_size=1, max_size=20), st.floats(-1e6, 1e6))
def test_hosts_with_one_clock_are_never_blamed_however_slowly_they_answer(delays, ahead):
    clocks = {
        f"h{number}": Clock(least=ahead - after, most=ahead + before)
        for number, (before, after) in enumerate(delays)
    }
    assert not list(judge_clocks(clocks))


def silence(to: str, port: int, protocol: str = "tcp", problem: str = "no answer") -> Silence:
    contact = Contact.model_validate({"to": to, "address": "10.0.0.9", "protocol": protocol, "port": port})
    return Silence(contact=contact, problem=problem)


def test_a_port_that_many_cannot_reach_is_one_finding():
    facts = {f"h{number}": changed(silences=(silence("api", 6443),)) for number in range(6)}
    (finding,) = judge_silences({**facts, "api": HEALTHY})
    assert (finding.host, finding.check) == ("api", "ports")
    assert finding.message == "6443/tcp at 10.0.0.9 cannot be reached from h0, h1, h2 and 3 more: no answer"


def test_a_host_with_a_small_mtu_is_the_one_that_is_named():
    (finding,) = judge_silences({"a": changed(silences=(silence("b", 0, "mtu"),)), "b": HEALTHY})
    assert (finding.host, finding.check) == ("b", "mtu")


def test_a_host_that_said_nothing_is_not_also_blamed_for_its_ports():
    assert not list(judge_silences({"a": changed(silences=(silence("gone", 6443),))}))


def test_a_udp_port_with_a_listener_may_be_silent():
    facts = {"a": changed(silences=(silence("b", 4789, "udp"),)), "b": changed(udp_ports=frozenset({4789}))}
    assert not list(judge_silences(facts))


def test_errors_stop_a_run_with_all_of_them_and_warnings_do_not():
    warned = Report(findings=(warning("a", "swap", "w", "r"),), hosts=1, seconds=1.0)
    warned.raise_if_bad()
    bad = Report(findings=(error("a", "name", "x", "y"), error("b", "dns", "z", "u")), hosts=2, seconds=1.0)
    with pytest.raises(
        TerpError, match=r"2 problems with the hosts; nothing was changed(.|\n)*a: name(.|\n)*b: dns"
    ) as raised:
        bad.raise_if_bad()
    assert raised.value.exit_code == 2
