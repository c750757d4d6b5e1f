"""What runs do to a cluster as far as a planner must know: a model of Kubespray that refuses what breaks."""

from dataclasses import dataclass, field

from terp.kubernetes.model import ClusterState, Node, Observation, Run, SeenNode
from terp.kubernetes.plan.refusals import quorum

MINOR = 2


@dataclass
class Kubelet:
    """A node in the API."""

    host: str
    version: str
    labels: dict[str, str | None]
    taints: list[dict[str, str]]


@dataclass
class World:
    """Hosts that answer (name and key), nodes in the API, members of etcd, and the facts that are kept.

    `told` is the control plane that each node was told of, `served` the members that the API servers use.
    """

    hosts: dict[str, str] = field(default_factory=dict)
    kubelets: dict[str, Kubelet] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    facts: set[str] = field(default_factory=set)
    snapshot: bool = False
    told: dict[str, set[str]] = field(default_factory=dict)
    served: set[str] = field(default_factory=set)

    def observed(self) -> Observation:
        healthy = {name: self.hosts.get(name) == host for name, host in self.members.items()}
        api = {
            name: SeenNode.model_validate(
                {
                    "ready": self.hosts.get(name) == each.host,
                    "version": each.version,
                    "labels": each.labels,
                    "taints": each.taints,
                }
            )
            for name, each in self.kubelets.items()
        }
        return Observation(reachable=frozenset(self.hosts), etcd_members=healthy, api_nodes=api or None)

    def do(self, run: Run) -> None:
        """A run, or an assertion that it would have failed or destroyed something."""
        if run.kind == "snapshot":
            assert self.healthy(run.hosts[0]), "a snapshot needs a member that answers"
            self.snapshot = True
            return
        if run.kind == "labels":
            self.label(run)
            return
        if run.kind == "cluster-info":
            return
        self.check_inventory(run)
        match run.playbook:
            case "playbooks/facts.yml":
                self.facts |= set(run.limit or [node.name for node in run.nodes])
            case "cluster.yml":
                self.configure(run)
            case "scale.yml":
                self.scale(run)
            case "remove-node.yml":
                self.remove(run)
            case "upgrade-cluster.yml":
                self.upgrade(run)
            case "recover-control-plane.yml":
                self.recover(run)
            case other:
                raise AssertionError(other)
        self.snapshot = False
        assert self.has_quorum(), f"etcd lost its quorum by {run.playbook} of {run.hosts}"

    def healthy(self, name: str) -> bool:
        return name in self.members and self.hosts.get(name) == self.members[name]

    def has_quorum(self) -> bool:
        return sum(self.healthy(name) for name in self.members) >= quorum(len(self.members))

    def check_inventory(self, run: Run) -> None:
        """The first of the control plane and of etcd live; a limited run has the facts of the others."""
        members = sum("etcd" in node.roles for node in run.nodes)
        assert members % 2 or "ignore_assert_errors" in run.variables, "Kubespray asserts an odd number"
        if self.members:
            for role in ("control-plane", "etcd"):
                first = next(node for node in run.nodes if role in node.roles)
                assert self.hosts.get(first.name) == first.host_key, f"the first {role} is dead"
                assert first.name in self.members or first.name in self.kubelets, f"the first {role} is new"
        if run.limit and run.playbook != "playbooks/facts.yml":
            alive = {node.name for node in run.nodes if node.name in self.hosts}
            assert alive <= self.facts, f"{run.playbook} is limited and has no facts of {alive - self.facts}"
        if not run.limit and run.playbook != "remove-node.yml":
            silent = [node.name for node in run.nodes if node.name not in self.hosts]
            assert not silent, f"{run.playbook} would stop at {silent}"

    def secured(self) -> None:
        assert self.snapshot or not self.members, "etcd changes without a snapshot"

    def configure(self, run: Run) -> None:
        if not run.tags:
            self.secured()
        new = not self.members
        for node in run.nodes:
            if run.limit and not {"control-plane", "etcd"} & set(node.roles):
                continue
            self.join(node, run)
        if not run.limit:
            self.facts |= {node.name for node in run.nodes}
        if new:  # later it leaves the static manifests as they are
            self.served = set(self.members)

    def scale(self, run: Run) -> None:
        for node in run.nodes:
            if node.name in run.limit:
                assert node.roles == ("worker",)
                self.join(node, run)

    def tell(self, name: str, run: Run) -> None:
        self.told[name] = {node.name for node in run.nodes if "control-plane" in node.roles}

    def join(self, node: Node, run: Run) -> None:
        self.tell(node.name, run)
        if "etcd" in node.roles and node.name not in self.members:
            assert all(map(self.healthy, self.members)), "a member joins beside one that is ill"
            self.members[node.name] = node.host_key
        if {"control-plane", "worker"} & set(node.roles):
            there = self.kubelets.get(node.name)
            assert there is None or there.version == run.kubernetes_version, "upgraded without a drain"
            assert there is None or there.host == node.host_key, f"{node.name} joins over one of that name"
            if there is None:
                taints = [each.model_dump() for each in node.taints]
                self.kubelets[node.name] = Kubelet(
                    node.host_key, run.kubernetes_version, dict(node.labels), taints
                )

    def remove(self, run: Run) -> None:
        inventory = {node.name for node in run.nodes}
        firsts = {
            next(node.name for node in run.nodes if role in node.roles) for role in ("control-plane", "etcd")
        }
        for name in str(run.variables["node"]).split(","):
            assert name not in firsts, f"{name} is asked to remove itself"
            assert name in inventory, f"{name} leaves and is in no inventory"
            if name in self.members:
                self.secured()
                del self.members[name]
            if run.variables.get("reset_nodes", True):
                alive = self.kubelets.get(name)
                assert name in self.hosts, f"{name} cannot be reset"
                assert alive is None or alive.host == self.hosts[name], f"a new {name} would be reset"
            self.kubelets.pop(name, None)
            self.told.pop(name, None)

    def recover(self, run: Run) -> None:
        self.secured()
        broken = set(run.groups["broken_etcd"]) | set(run.groups["broken_kube_control_plane"])
        assert not broken & {node.name for node in run.nodes if node.roles}, "broken, and in another group"
        for name in broken:
            assert not self.healthy(name)
            self.members.pop(name, None)
            self.kubelets.pop(name, None)
            self.told.pop(name, None)

    def upgrade(self, run: Run) -> None:
        self.secured()
        wanted = number(run.kubernetes_version)
        for name in run.hosts:
            kubelet = self.kubelets.get(name)
            if kubelet is None:
                continue
            here = number(kubelet.version)
            assert here <= wanted, f"{name} would go from {kubelet.version} to {run.kubernetes_version}"
            assert wanted[1] - here[1] <= 1, f"{name} would skip a minor"
            kubelet.version = run.kubernetes_version
            self.tell(name, run)
            if "control-plane" in next(node.roles for node in run.nodes if node.name == name):
                self.served = {node.name for node in run.nodes if "etcd" in node.roles}
        if set(run.limit) != {"kube_control_plane", "etcd"}:
            newest = max(
                number(self.kubelets[node.name].version)
                for node in run.nodes
                if "control-plane" in node.roles
            )
            assert wanted <= newest, "a kubelet newer than the API"

    def label(self, run: Run) -> None:
        for name, changes in run.variables.items():
            assert isinstance(changes, dict)
            kubelet = self.kubelets[name]
            labels = changes.get("labels", {})
            assert isinstance(labels, dict)
            for key, value in labels.items():
                kubelet.labels[key] = value  # type: ignore[assignment]
            kubelet.labels = {key: value for key, value in kubelet.labels.items() if value is not None}
            kubelet.taints = [
                each for each in kubelet.taints if each not in changes.get("without_taints", [])
            ]
            kubelet.taints += changes.get("taints", [])

    def is_as(self, wanted: ClusterState) -> bool:
        """Whether everything is as it shall be."""
        members = {node.name: node.host_key for node in wanted.nodes if "etcd" in node.roles}
        workers = [node for node in wanted.nodes if {"control-plane", "worker"} & set(node.roles)]
        first = {node.name for node in wanted.nodes if "control-plane" in node.roles}
        assert self.served == members.keys(), "API servers know other members of etcd"
        assert self.told == {node.name: first for node in wanted.nodes}, "nodes know another control plane"
        return self.members == members and self.kubelets == {
            node.name: Kubelet(
                node.host_key,
                wanted.kubernetes_version,
                dict(node.labels),
                [each.model_dump() for each in node.taints],
            )
            for node in workers
        }


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
