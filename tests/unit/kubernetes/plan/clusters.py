"""Clusters to plan for, and what would be seen of them."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from typing import Any

from terp.environment.nodes import Taint
from terp.kubernetes.model import ClusterState, Node, NodeRole, Observation, SeenNode

RELEASES = {
    "v2.29.1": ("1.33.7", "1.32.9", "1.33.5"),
    "v2.30.0": ("1.34.3", "1.33.7", "1.34.0"),
    "v2.31.0": ("1.35.4", "1.34.7", "1.35.0"),
}
VARIABLES = {"kube_network_plugin": "calico", "kubelet_max_pods": 110, "kubernetes_audit": True}


def node(name: str, *roles: NodeRole, key: str = "", **more: Any) -> Node:
    """A node whose part its name tells: `cp-0` has control plane and etcd, `etcd-0` etcd, all others work."""
    if not roles:
        kind = name.rpartition("-")[0]
        parts: dict[str, tuple[NodeRole, ...]] = {"cp": ("control-plane", "etcd"), "etcd": ("etcd",)}
        roles = parts.get(kind, ("worker",))
    address = IPv4Address("10.0.0.0") + sum(ord(letter) << index for index, letter in enumerate(name))
    return Node(
        name=name,
        roles=roles,
        address=address,
        access_address=address,
        user="debian",
        host_key=f"ssh-ed25519 {key or name}",
        **more,
    )


def nodes(text: str) -> tuple[Node, ...]:
    """`cp-0 cp-1 cpu-0!` as nodes; with `!` the host is another one than before."""
    return tuple(
        node(each.rstrip("!"), key=f"new {each}" if each.endswith("!") else "") for each in text.split()
    )


def state(text: str | Iterable[Node], **more: Any) -> ClusterState:
    """A cluster of these nodes."""
    variables = {**VARIABLES, **more.pop("variables", {})}
    values = {
        "installer": "kubespray",
        "installer_version": "v2.31.0",
        "kubernetes_version": "1.35.4",
        **more,
    }
    return ClusterState(
        nodes=nodes(text) if isinstance(text, str) else tuple(text), variables=variables, **values
    )


def seen(of: ClusterState, *, silent: str = "", **more: Any) -> Observation:
    """Everything of a cluster is well, apart from the hosts that are silent."""
    down = set(silent.split())
    members: Mapping[str, bool] = {
        each.name: each.name not in down for each in of.nodes if "etcd" in each.roles
    }
    values: dict[str, Any] = {
        "reachable": frozenset(each.name for each in of.nodes) - down,
        "etcd_members": members,
        "api_nodes": {
            each.name: SeenNode(
                ready=each.name not in down,
                version=of.kubernetes_version,
                labels=each.labels,
                taints=each.taints,
            )
            for each in of.nodes
            if {"control-plane", "worker"} & set(each.roles)
        },
    }
    return Observation(**{**values, **more})


def also(observed: Observation, *names: str) -> Observation:
    """Further hosts answer: those that shall come."""
    return observed.model_copy(update={"reachable": observed.reachable | set(names)})


GPU = Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule")
