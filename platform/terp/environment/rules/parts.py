"""The groups of servers of an environment, with the keys that they stand under."""

from collections.abc import Iterator
from typing import NamedTuple

from terp.environment.environment import Environment
from terp.environment.findings import Key
from terp.environment.nodes import CONTROL_PLANE, ETCD, ControlPlane, Etcd, Pool


class Part(NamedTuple):
    """One group of servers: where it stands, what its servers are called, what it is."""

    key: Key
    name: str
    group: ControlPlane | Etcd | Pool


def parts(environment: Environment) -> Iterator[Part]:
    """Control plane, etcd if it has nodes of its own, and the pools by name."""
    nodes = environment.nodes
    yield Part(("nodes", "control_plane"), CONTROL_PLANE, nodes.control_plane)
    if nodes.etcd:
        yield Part(("nodes", "etcd"), ETCD, nodes.etcd)
    for name, pool in sorted(nodes.pools.items()):
        yield Part(("nodes", "pools", name), name, pool)


def servers(environment: Environment) -> int:
    """How many there are, the bastion with them."""
    return sum(part.group.count for part in parts(environment)) + bool(environment.access.bastion)


def kubernetes_nodes(environment: Environment) -> int:
    """How many take part in Kubernetes: control plane and pools."""
    return sum(part.group.count for part in parts(environment) if part.name != ETCD)
