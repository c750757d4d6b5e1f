"""Nodes come and go: dead ones first, then the control plane grows before it shrinks, workers last."""

from collections.abc import Iterator
from dataclasses import replace

from terp.kubernetes.model import ClusterState, Node, Run
from terp.kubernetes.plan.change import Change, names, runs_cluster
from terp.kubernetes.plan.runs import CONTROL_PLANE, Author
from terp.kubernetes.plan.upgrades import number, version


class Membership:
    """Writes the runs by which nodes come and go, and keeps the cluster's order meanwhile."""

    def __init__(self, change: Change, author: Author) -> None:
        self._change = change
        self._author = author

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Who is in the cluster after the runs so far; the first control plane and first etcd do most."""
        return self._author.nodes

    def departures(self) -> Iterator[Run]:
        """Everything but new workers, which come after an upgrade."""
        yield from self._bury_control_plane()
        yield from self._bury_workers()  # a host that does not answer stops what runs on all
        yield from self._join_control_plane()
        yield from self._remove_control_plane()
        yield from self._settle()
        workers = [node for node in self._leaving() if not runs_cluster(node)]
        if workers:
            yield self._author.remove(names(workers), f"{_these(workers)} shall not be in the cluster")
            self._without(workers)

    def arrivals(self, author: Author) -> Iterator[Run]:
        """New workers; `author` has the versions that they get."""
        self._author = replace(author, nodes=self.nodes)
        new = [node for node in self._change.joining if not runs_cluster(node)]
        if new:
            self._with(new)
            yield self._author.scale(names(new), f"{_these(new)} shall be in the cluster")

    def _leaving(self) -> list[Node]:
        """Those that can leave by themselves."""
        return [node for node in self._change.leaving if self._change.alive(node)]

    def _dead(self) -> list[Node]:
        """Those that cannot: their hosts are gone, or were made anew."""
        return [node for node in self._change.leaving if not self._change.alive(node)]

    def _bury_control_plane(self) -> Iterator[Run]:
        dead = self._dead()
        first = {self._first("control-plane"), self._first("etcd")} & set(names(dead))
        if first:
            broken = [node for node in dead if runs_cluster(node)]
            self._without(broken)
            reason = f"{', '.join(sorted(first))}, which did for the others what is done once, is lost"
            # Hosts of the broken groups are in the inventory, and in no other group.
            lost = tuple(node.model_copy(update={"roles": ()}) for node in broken)
            author = replace(self._author, nodes=(*self.nodes, *lost))
            yield author.recover(broken, reason)
            return
        for node in (each for each in dead if runs_cluster(each)):
            yield self._author.bury([node.name], f"{node.name} is lost")
            self._without([node])

    def _bury_workers(self) -> Iterator[Run]:
        dead = [node for node in self._dead() if not runs_cluster(node)]
        if dead:
            yield self._author.bury(names(dead), f"{_these(dead)} {'is' if len(dead) == 1 else 'are'} lost")
            self._without(dead)

    def _join_control_plane(self) -> Iterator[Run]:
        new = [node for node in self._change.joining if runs_cluster(node)]
        if not new:
            return
        self._with(new)
        reason = f"{_these(new)} shall be in the control plane"
        if any("etcd" in node.roles for node in new):
            yield self._author.join_control_plane(names(new), reason)
        else:
            yield self._configure(reason)

    def _remove_control_plane(self) -> Iterator[Run]:
        leaving = [node for node in self._leaving() if runs_cluster(node)]
        if not leaving:
            return
        if {self._first("control-plane"), self._first("etcd")} & set(names(leaving)):
            staying = [node for node in self.nodes if node not in leaving]
            self._author = replace(self._author, nodes=(*staying, *leaving))
            yield self._configure("another node must be the first before the first one leaves")
        for node in leaving:  # one at a time: etcd changes by one member
            yield self._author.remove([node.name], f"{node.name} shall not be in the cluster")
            self._without([node])

    def _settle(self) -> Iterator[Run]:
        """After the control plane changed, be it by an attempt: everything must know who is in it."""
        wanted = _control_plane(self._change.desired)
        if all(_control_plane(past) == wanted for past in self._pasts()):
            return
        if any(_api_servers(past) - _api_servers(self._change.desired) for past in self._pasts()):
            yield self._author.cluster_info("new nodes must be told of a control plane that stays")
        yield self._configure("all nodes must know who is in the control plane")
        yield self._author.upgrade_control_plane("the API servers must know which members etcd has")

    def _pasts(self) -> tuple[ClusterState, ...]:
        """The states whose control plane may be known somewhere: an upgrade begins when all is settled."""
        if self._author.kubernetes_version != self._change.recorded.kubernetes_version:
            return self._change.attempts
        return self._change.pasts

    def _configure(self, reason: str) -> Run:
        """Workers whose upgrade is still to come are left to it: it drains them."""
        wanted = number(self._author.kubernetes_version)
        behind = any(version(self._change, node) < wanted for node in self.nodes)
        return self._author.configure(reason, CONTROL_PLANE if behind else ())

    def _first(self, role: str) -> str:
        return next((node.name for node in self.nodes if role in node.roles), "")

    def _without(self, nodes: list[Node]) -> None:
        gone = set(names(nodes))
        self._author = replace(
            self._author, nodes=tuple(node for node in self.nodes if node.name not in gone)
        )

    def _with(self, nodes: list[Node]) -> None:
        there = set(names(self.nodes))
        new = [node for node in nodes if node.name not in there]
        self._author = replace(self._author, nodes=(*self.nodes, *new))


def _control_plane(state: ClusterState) -> frozenset[tuple[str, str]]:
    """The hosts that the control plane and etcd are on."""
    return frozenset((node.name, node.host_key) for node in state.nodes if runs_cluster(node))


def _api_servers(state: ClusterState) -> frozenset[tuple[str, str]]:
    return frozenset((node.name, node.host_key) for node in state.nodes if "control-plane" in node.roles)


def _these(nodes: list[Node]) -> str:
    return ", ".join(names(nodes))
