"""What is otherwise between the cluster that is recorded, the one wanted, and the one seen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from terp.errors import TerpError
from terp.kubernetes.model import ClusterState, Node, Observation


class UnsafeChangeError(TerpError):
    """What is wanted cannot be reached without danger; nothing was changed (exit code 2)."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint=hint, exit_code=2)


@dataclass(frozen=True)
class Change:
    """The way from one state to another.

    `attempts` are what runs that broke off were leading to since the recorded state was reached, oldest
    first: what they may have done is not taken for undone, and what they may have left half-done is repeated.
    """

    recorded: ClusterState
    desired: ClusterState
    observed: Observation
    attempts: tuple[ClusterState, ...] = ()

    @cached_property
    def pasts(self) -> tuple[ClusterState, ...]:
        """The states that the cluster may have something of."""
        return (self.recorded, *self.attempts)

    @cached_property
    def before(self) -> tuple[Node, ...]:
        """The nodes that the cluster has, in its order: those of attempts come last."""
        found: dict[str, Node] = {}
        for past in self.pasts:
            for node in past.nodes:
                known = found.get(node.name)
                if known and known.host_key != node.host_key and self._well(node):
                    del found[node.name]  # its successor has joined, and so it is the last
                if self.is_member(node):
                    found.setdefault(node.name, node)
        return tuple(found.values())

    @cached_property
    def staying(self) -> tuple[Node, ...]:
        """Nodes that are in the cluster and shall be, as they shall be, in the cluster's order."""
        return tuple(self._wanted[node.name] for node in self.before if self._stays(node))

    @cached_property
    def leaving(self) -> tuple[Node, ...]:
        """Nodes that have to leave, as they were; a host that was made anew is another one of that name."""
        return tuple(node for node in self.before if not self._stays(node))

    @cached_property
    def arriving(self) -> tuple[Node, ...]:
        """Nodes that have to come, in the order in which they are wanted."""
        there = set(names(self.staying))
        return tuple(node for node in self.desired.nodes if node.name not in there)

    @cached_property
    def joining(self) -> tuple[Node, ...]:
        """Nodes that have to come, and those that an attempt may have brought in by half."""
        settled = {(node.name, node.host_key) for node in self.recorded.nodes}
        halves = (node for node in self.staying if (node.name, node.host_key) not in settled)
        return (*halves, *self.arriving)

    @cached_property
    def differing(self) -> frozenset[str]:
        """Names of the variables that are otherwise than before, or than an attempt may have set them."""
        found: set[str] = set()
        for past in self.pasts:
            keys = past.variables.keys() | self.desired.variables.keys()
            found |= {key for key in keys if past.variables.get(key) != self.desired.variables.get(key)}
        return frozenset(found)

    @property
    def members(self) -> tuple[Node, ...]:
        """Those that etcd has now, dead ones included."""
        return tuple(node for node in self.before if "etcd" in node.roles and self._in_etcd(node))

    def alive(self, node: Node) -> bool:
        """Whether this very host answers: not one that was made anew with its name."""
        return node.name in self.observed.reachable and self._latest[node.name].host_key == node.host_key

    def healthy(self, node: Node) -> bool:
        """Whether it is a member of etcd that answers."""
        return self.alive(node) and self.observed.etcd_members.get(node.name, False)

    def is_member(self, node: Node) -> bool:
        """Whether the cluster has a node of that name; what does not answer is taken to have it."""
        nodes = self.observed.api_nodes
        in_api = nodes is None or node.name in nodes
        return (in_api and in_kubernetes(node)) or ("etcd" in node.roles and self._in_etcd(node))

    @cached_property
    def _wanted(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.desired.nodes}

    @cached_property
    def _latest(self) -> Mapping[str, Node]:
        """The host that now has a name: of those made anew, the last."""
        return {node.name: node for state in (*self.pasts, self.desired) for node in state.nodes}

    def _in_etcd(self, node: Node) -> bool:
        return not self.observed.etcd_members or node.name in self.observed.etcd_members

    def _well(self, node: Node) -> bool:
        """Whether the cluster hears of this very host."""
        seen = (self.observed.api_nodes or {}).get(node.name)
        return (
            self.alive(node)
            and ("etcd" not in node.roles or self.healthy(node))
            and (not in_kubernetes(node) or (seen is not None and seen.ready))
        )

    def _stays(self, node: Node) -> bool:
        wanted = self._wanted.get(node.name)
        return wanted is not None and wanted.host_key == node.host_key


def names(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Their names."""
    return tuple(node.name for node in nodes)


def runs_cluster(node: Node) -> bool:
    """Whether it has a part of the control plane, or of etcd."""
    return bool({"control-plane", "etcd"} & set(node.roles))


def in_kubernetes(node: Node) -> bool:
    """Whether the API has it: not a host of etcd alone."""
    return bool({"control-plane", "worker"} & set(node.roles))
