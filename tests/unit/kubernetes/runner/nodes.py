"""Nodes and runs that these tests begin with."""

from terp.environment.nodes import Taint
from terp.kubernetes.model import Node, Run


def node(name: str, number: int, **more: object) -> Node:
    known = {
        "name": name,
        "roles": ("worker",),
        "address": f"10.0.0.{number}",
        "access_address": f"10.0.0.{number}",
        "user": "debian",
        "host_key": f"ssh-ed25519 KEY{number}",
    }
    return Node.model_validate({**known, **more})


FIRST = node("cp-1", 1, roles=("control-plane", "etcd"), access_address="198.51.100.10")
WORKER = node(
    "worker-1",
    2,
    labels={"pool": "cpu"},
    taints=(Taint(key="gpu", value="yes", effect="NoSchedule"),),
    inventory_groups=("gpu_nodes",),
    address_ipv6="fd00::2",
)


def run_of(playbook: str = "cluster.yml", **more: object) -> Run:
    known = {
        "kind": "playbook",
        "playbook": playbook,
        "nodes": (FIRST, WORKER),
        "installer_version": "v2.31.0",
        "kubernetes_version": "1.35.4",
        "reason": "a test",
    }
    return Run.model_validate({**known, **more})
