from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from terp.kubernetes.model import Node, NodeRole
from terp.kubernetes.readiness.contacts import HEART, NEIGHBOURS, contacts

ROLES: list[tuple[NodeRole, ...]] = [
    ("control-plane", "etcd"),
    ("control-plane", "etcd", "worker"),
    ("control-plane",),
    ("etcd",),
    ("worker",),
]


def nodes(*roles: tuple[NodeRole, ...]) -> list[Node]:
    return [
        Node(
            name=f"node-{number}",
            roles=each,
            address=IPv4Address("10.0.0.1") + number,
            access_address=IPv4Address("10.0.0.1") + number,
            user="debian",
            host_key="ssh-ed25519 AAAA",
        )
        for number, each in enumerate(roles)
    ]


clusters = st.lists(st.sampled_from(ROLES), min_size=1, max_size=40).map(lambda roles: nodes(*roles))


def ports(found, caller: str, to: str) -> set[str]:
    return {f"{each.protocol}/{each.port}" for each in found[caller] if each.to == to}


def test_each_role_calls_what_it_uses():
    found = contacts(nodes(("control-plane",), ("etcd",), ("worker",)), "calico")
    assert ports(found, "node-0", "node-1") == {"tcp/2379", "mtu/0"}
    assert ports(found, "node-0", "node-2") == {"tcp/10250", "udp/4789", "mtu/0"}
    assert ports(found, "node-1", "node-0") == {"mtu/0"}
    assert ports(found, "node-2", "node-0") == {"tcp/6443", "udp/4789", "mtu/0"}
    assert ports(found, "node-2", "node-1") == {"mtu/0"}


def test_members_of_etcd_call_each_other_as_peers():
    found = contacts(nodes(*[("control-plane", "etcd")] * 2), None)
    assert ports(found, "node-0", "node-1") == {"tcp/6443", "tcp/2379", "tcp/2380", "tcp/10250", "mtu/0"}


@given(clusters)
def test_nobody_calls_itself_or_the_same_twice(cluster):
    for name, calls in contacts(cluster, "cilium").items():
        assert name not in {each.to for each in calls}
        assert len(calls) == len(set(calls))


@given(clusters)
def test_full_packets_go_between_every_pair_of_a_small_cluster(cluster):
    small = cluster[: NEIGHBOURS + 1]
    found = contacts(small, None)
    pairs = {(name, each.to) for name, calls in found.items() for each in calls if each.protocol == "mtu"}
    assert pairs == {(a.name, b.name) for a in small for b in small if a is not b}


@given(clusters)
def test_in_a_large_one_everybody_is_called_by_as_many_as_it_calls(cluster):
    found = contacts(cluster, "flannel")
    neighbours = min(NEIGHBOURS, len(cluster) - 1)
    for node in cluster:
        full = [
            name for name, calls in found.items() if ("mtu", node.name) in {(c.protocol, c.to) for c in calls}
        ]
        assert len(full) >= neighbours
        assert len({each.to for each in found[node.name] if each.protocol == "mtu"}) <= NEIGHBOURS + HEART


@given(clusters)
def test_every_kubelet_is_called_by_the_control_plane(cluster):
    found = contacts(cluster, None)
    masters = [node for node in cluster if "control-plane" in node.roles]
    called = {each.to for calls in found.values() for each in calls if each.port == 10250}
    with_kubelet = {node.name for node in cluster if node.roles != ("etcd",)}
    alone = {masters[0].name} if len(masters) == 1 else set()
    assert called == (with_kubelet - alone if masters else set())


@given(clusters)
def test_everybody_with_a_kubelet_calls_the_api(cluster):
    heart = [node for node in cluster if set(node.roles) & {"control-plane", "etcd"}][:HEART]
    found = contacts(cluster, None)
    for node in cluster:
        apis = {each.to for each in found[node.name] if each.port == 6443}
        wanted = {each.name for each in heart if "control-plane" in each.roles} - {node.name}
        assert (wanted <= apis) if node.roles != ("etcd",) else not apis


def test_a_thousand_hosts_have_calls_by_the_thousand_not_by_the_million():
    found = contacts(nodes(*[("control-plane", "etcd")] * 3, *[("worker",)] * 997), "calico")
    assert sum(map(len, found.values())) < 30_000
    assert max(map(len, found.values())) < 400
