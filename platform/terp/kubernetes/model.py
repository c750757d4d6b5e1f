"""What the Kubernetes layer speaks of: nodes, the state of a cluster, what is seen of it, and runs."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from pydantic import JsonValue

from terp.environment.nodes import Taint
from terp.model import Model

NodeRole = Literal["control-plane", "etcd", "worker"]
Installer = Literal["kubespray", "embedded"]


class Node(Model):
    """One host of a cluster; a control plane that also takes ordinary pods is a worker, too.

    `access_address` is where SSH goes, `host_key` is its public SSH key (`ssh-ed25519 …`).
    """

    name: str
    roles: tuple[NodeRole, ...]
    address: IPv4Address
    address_ipv6: IPv6Address | None = None
    access_address: IPv4Address
    user: str
    host_key: str
    labels: Mapping[str, str] = {}
    taints: tuple[Taint, ...] = ()
    inventory_groups: tuple[str, ...] = ()


class ClusterState(Model):
    """What a cluster is, or shall be.

    The order of `nodes` means something: the first control plane and the first etcd are special, and new ones
    come last. `kubernetes_version` has no leading v. `variables` are group variables of all hosts, without
    secrets and versions; `secrets` has the SHA-256 of each secret by its name, never the secret.
    """

    nodes: tuple[Node, ...]
    installer: Installer
    installer_version: str
    kubernetes_version: str
    variables: Mapping[str, JsonValue] = {}
    secrets: Mapping[str, str] = {}


class SeenNode(Model):
    """A node as the API has it."""

    ready: bool
    version: str
    labels: Mapping[str, str] = {}
    taints: tuple[Taint, ...] = ()


class Observation(Model):
    """What SSH, the API and etcd say now.

    `reachable` are the hosts that answer SSH; `api_nodes` is None when the API does not answer.
    `etcd_members` says of each member whether it is healthy. `fingerprints` are those of the keys found on
    hosts, by name; `certificate_days` the days until the first certificate of a control plane ends.
    """

    reachable: frozenset[str] = frozenset()
    api_nodes: Mapping[str, SeenNode] | None = None
    etcd_members: Mapping[str, bool] = {}
    fingerprints: Mapping[str, str] = {}
    certificate_days: Mapping[str, int] = {}


class Run(Model):
    """One thing to do on a cluster: a playbook with the inventory of this very run, labels, or a snapshot."""

    kind: Literal["playbook", "labels", "snapshot", "cluster-info"]
    playbook: str = ""
    nodes: tuple[Node, ...]
    limit: tuple[str, ...] = ()
    variables: Mapping[str, JsonValue] = {}
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = {}
    installer_version: str
    kubernetes_version: str
    reason: str
    hosts: tuple[str, ...] = ()
    interrupts: str = ""
