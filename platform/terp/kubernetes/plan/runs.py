"""The runs that plans are made of: one function for each, with what Kubespray v2.31.0 wants of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from terp.kubernetes.model import Node, Run
from terp.kubernetes.plan.change import names, runs_cluster

FACTS = "playbooks/facts.yml"
CONTROL_PLANE = ("kube_control_plane", "etcd")
"""Groups that make the limit of a run on the control plane: with etcd, or Kubespray refuses."""
UNCONFIRMED: dict[str, JsonValue] = {"skip_confirmation": True}
UNCHECKED = "ignore_assert_errors"
"""Kubespray stops at an even number of etcd's members, which there is between two removals."""
NO_SERVICE = "the API's clients connect anew, one control-plane node at a time"


@dataclass(frozen=True)
class Author:
    """Writes runs for a cluster that has some nodes, in order, and its versions."""

    nodes: tuple[Node, ...]
    installer_version: str
    kubernetes_version: str

    def create(self, reason: str) -> Run:
        """Everything, on all nodes."""
        return self._run("cluster.yml", reason, hosts=names(self.nodes))

    def facts(self, reachable: Sequence[str]) -> Run:
        """Facts of every host that answers: a limited run has no other way to know of the rest."""
        limit = () if len(reachable) == len(self.nodes) else tuple(reachable)
        return self._run(FACTS, "limited runs need the facts of all hosts", hosts=reachable, limit=limit)

    def scale(self, new: Sequence[str], reason: str) -> Run:
        """New workers."""
        return self._run("scale.yml", reason, hosts=new, limit=new)

    def join_control_plane(self, new: Sequence[str], reason: str) -> Run:
        """New members of the control plane or of etcd."""
        variables: dict[str, JsonValue] = {UNCHECKED: True, "etcd_retries": 10}
        return self._run("cluster.yml", reason, hosts=new, limit=CONTROL_PLANE, variables=variables)

    def remove(self, leaving: Sequence[str], reason: str) -> Run:
        """Nodes that answer leave; their hosts must be there still."""
        variables = {**UNCONFIRMED, "node": ",".join(leaving)}
        return self._run(
            "remove-node.yml", reason, hosts=leaving, variables=variables, interrupts="pods there move"
        )

    def bury(self, dead: Sequence[str], reason: str) -> Run:
        """Nodes that do not answer are taken out."""
        variables: dict[str, JsonValue] = {
            **UNCONFIRMED,
            "node": ",".join(dead),
            "reset_nodes": False,
            "allow_ungraceful_removal": True,
        }
        return self._run("remove-node.yml", reason, hosts=dead, variables=variables)

    def recover(self, broken: Sequence[Node], reason: str) -> Run:
        """A dead first control plane: the survivors go on without it."""
        groups = {
            "broken_kube_control_plane": names(node for node in broken if "control-plane" in node.roles),
            "broken_etcd": names(node for node in broken if "etcd" in node.roles),
        }
        return self._run(
            "recover-control-plane.yml",
            reason,
            hosts=names(broken),
            limit=CONTROL_PLANE,
            variables={"etcd_retries": 10},
            groups=groups,
            interrupts=NO_SERVICE,
        )

    def upgrade_control_plane(self, reason: str) -> Run:
        """The control plane's static pods and etcd, one node after the other."""
        hosts = names(node for node in self.nodes if runs_cluster(node))
        return self._run(
            "upgrade-cluster.yml", reason, hosts=hosts, limit=CONTROL_PLANE, interrupts=NO_SERVICE
        )

    def upgrade_workers(self, workers: Sequence[str], reason: str) -> Run:
        """Workers in batches (`serial`), each drained before."""
        return self._run(
            "upgrade-cluster.yml",
            reason,
            hosts=workers,
            limit=workers,
            interrupts="pods there move, batch by batch",
        )

    def apps(self, tags: Sequence[str], reason: str) -> Run:
        """Add-ons alone."""
        return self._run("cluster.yml", reason, hosts=names(self.nodes), tags=tags)

    def configure(self, reason: str, limit: Sequence[str] = ()) -> Run:
        """What the other nodes know of each other."""
        hosts = [node for node in self.nodes if not limit or runs_cluster(node)]
        return self._run("cluster.yml", reason, hosts=names(hosts), limit=limit)

    def cluster_info(self, reason: str) -> Run:
        """The address that new nodes are told (ConfigMap cluster-info in kube-public)."""
        return self._run("", reason, hosts=names(self.nodes[:1]), kind="cluster-info")

    def labels(self, changes: dict[str, JsonValue], reason: str) -> Run:
        """Labels and taints through the API: `{node: {labels: {key: value or null}, taints: [...]}}`."""
        return self._run("", reason, hosts=tuple(changes), kind="labels", variables=changes)

    def snapshot(self, member: str, reason: str) -> Run:
        """A snapshot of etcd, taken on one member."""
        return self._run("", reason, hosts=(member,), kind="snapshot")

    def _run(
        self,
        playbook: str,
        reason: str,
        *,
        hosts: Sequence[str],
        limit: Sequence[str] = (),
        variables: dict[str, JsonValue] | None = None,
        tags: Sequence[str] = (),
        groups: dict[str, tuple[str, ...]] | None = None,
        kind: str = "playbook",
        interrupts: str = "",
    ) -> Run:
        members = sum("etcd" in node.roles for node in self.nodes)
        passing = {UNCHECKED: True} if kind == "playbook" and members % 2 == 0 else {}
        return Run.model_validate(
            {
                "kind": kind,
                "playbook": playbook,
                "nodes": self.nodes,
                "limit": tuple(limit),
                "variables": {**(variables or {}), **passing},
                "tags": tuple(tags),
                "groups": groups or {},
                "installer_version": self.installer_version,
                "kubernetes_version": self.kubernetes_version,
                "reason": reason,
                "hosts": tuple(hosts),
                "interrupts": interrupts,
            }
        )
