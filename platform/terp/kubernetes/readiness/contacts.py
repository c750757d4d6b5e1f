"""Who must reach whom before a run: ports between roles, and packets of the full size."""

from collections.abc import Iterator, Mapping, Sequence

from terp.kubernetes.model import Node
from terp.kubernetes.readiness.facts import Contact, Protocol
from terp.kubernetes.readiness.needs import Plugin

TUNNEL: Mapping[Plugin, int] = {"calico": 4789, "cilium": 8472, "flannel": 8472}
"""VXLAN ports of the network plugins as Kubespray sets them up."""
API = 6443
ETCD = (2379, 2380)
KUBELET = 10250
NEIGHBOURS = 8
"""Hosts that each one calls in a ring of all: in a cluster of up to nine that is every pair."""
HEART = 8
"""Hosts with the control plane or etcd that everybody calls; a cluster with more has too many."""


def contacts(nodes: Sequence[Node], plugin: Plugin | None) -> dict[str, tuple[Contact, ...]]:
    """What each node has to call, by its name.

    Everybody calls the control plane and etcd, and the neighbours that follow in the ring; the control plane
    shares out the kubelets of all. So the calls grow with the nodes, not with their pairs.
    """
    heart = [node for node in nodes if set(node.roles) & {"control-plane", "etcd"}][:HEART]
    return {
        node.name: tuple(
            dict.fromkeys([*_whole(node, _called(place, nodes, heart), plugin), *_kubelets(node, nodes)])
        )
        for place, node in enumerate(nodes)
    }


def _called(place: int, nodes: Sequence[Node], heart: Sequence[Node]) -> list[Node]:
    ring = [*nodes[place + 1 : place + 1 + NEIGHBOURS], *nodes[: max(0, place + 1 + NEIGHBOURS - len(nodes))]]
    chosen = {each.name: each for each in (*heart, *ring)}
    return [each for name, each in chosen.items() if name != nodes[place].name]


def _whole(node: Node, called: Sequence[Node], plugin: Plugin | None) -> Iterator[Contact]:
    for other in called:
        yield from (_contact(other, protocol, port) for protocol, port in _ports(node, other, plugin))
        yield _contact(other, "mtu", 0)


def _kubelets(node: Node, nodes: Sequence[Node]) -> Iterator[Contact]:
    """This node's share of the kubelets, if it is of the control plane."""
    masters = [each.name for each in nodes if "control-plane" in each.roles]
    if node.name in masters:
        for other in nodes[masters.index(node.name) :: len(masters)]:
            if other.name != node.name and _in_cluster(other):
                yield _contact(other, "tcp", KUBELET)


def _ports(node: Node, other: Node, plugin: Plugin | None) -> Iterator[tuple[Protocol, int]]:
    """Ports of the other that this node's roles use."""
    if "control-plane" in other.roles and _in_cluster(node):
        yield "tcp", API
    if "etcd" in other.roles and {"control-plane", "etcd"} & set(node.roles):
        yield "tcp", ETCD[0]
    if "etcd" in other.roles and "etcd" in node.roles:
        yield "tcp", ETCD[1]
    if "control-plane" in node.roles and _in_cluster(other):
        yield "tcp", KUBELET
    if plugin and _in_cluster(node) and _in_cluster(other):
        yield "udp", TUNNEL[plugin]


def _in_cluster(node: Node) -> bool:
    """Whether it has a kubelet: not a host of etcd alone."""
    return set(node.roles) != {"etcd"}


def _contact(other: Node, protocol: Protocol, port: int) -> Contact:
    return Contact(to=other.name, address=str(other.address), protocol=protocol, port=port)
