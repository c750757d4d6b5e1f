"""The plan as a whole: who dies, who joins, who leaves, which version, which settings, who comes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from terp.kubernetes.model import ClusterState, Node, Observation, Run
from terp.kubernetes.plan.change import Change, UnsafeChangeError, names
from terp.kubernetes.plan.membership import Membership
from terp.kubernetes.plan.refusals import refuse_another_creation, refuse_impossible, refuse_unsafe
from terp.kubernetes.plan.runs import Author
from terp.kubernetes.plan.settings import labels, settings
from terp.kubernetes.plan.upgrades import Releases, Step, reached, steps, upgrade
from terp.model import Model


class Plan(Model):
    """What to run, in order, and the state that it leads to, with nodes in the order that was kept."""

    runs: tuple[Run, ...]
    state: ClusterState


def plan(
    recorded: ClusterState | None,
    desired: ClusterState,
    observed: Observation,
    *,
    attempts: Sequence[ClusterState] = (),
    releases: Releases | None = None,
) -> Plan:
    """The runs that lead a cluster from what is recorded to what is desired.

    `recorded` is None until a first creation came to its end. `attempts` are what runs that broke off since
    then were leading to, oldest first: what they may have left half-done is done again. Every run can be
    repeated.

    Raises:
        UnsafeChangeError: data could be lost, or it would stop half-way (exit code 2); nothing ran.
    """
    refuse_impossible(desired)
    if recorded is None:
        refuse_another_creation(desired, observed, attempts)
        return _creation(desired, observed)
    change = Change(recorded, desired, observed, tuple(attempts))
    refuse_unsafe(change)
    upgrades = steps(recorded, desired, releases or {})
    here = Step(recorded.installer_version, recorded.kubernetes_version)
    membership = Membership(change, Author(change.before, *reached(change, [here, *upgrades])))
    runs = [*membership.departures()]
    upgraded = False
    for step in upgrades:
        author = Author(membership.nodes, *step)
        written = [*upgrade(change, author, step)]
        upgraded = {name for run in written for name in run.hosts} >= set(names(membership.nodes))
        runs += written
    author = Author(membership.nodes, desired.installer_version, desired.kubernetes_version)
    runs += settings(change, author, upgraded)
    runs += membership.arrivals(author)
    author = replace(author, nodes=membership.nodes)
    runs += labels(change, author)
    state = desired.model_copy(update={"nodes": _ordered(membership.nodes, desired)})
    return Plan(runs=tuple(_prepared(runs, observed)), state=state)


def _creation(desired: ClusterState, observed: Observation) -> Plan:
    author = Author(desired.nodes, desired.installer_version, desired.kubernetes_version)
    silent = [name for name in names(desired.nodes) if name not in observed.reachable]
    if silent and observed.reachable:  # when none is there yet, nothing can be said
        raise UnsafeChangeError(
            f"{', '.join(silent)}: no answer to SSH", "start what is down: a run would stop there"
        )
    run = author.create("there is no cluster yet")
    return Plan(runs=tuple(_prepared([run], observed)), state=desired)


def _ordered(order: Sequence[Node], desired: ClusterState) -> tuple[Node, ...]:
    """The desired nodes in the order that the cluster has them."""
    wanted = {node.name: node for node in desired.nodes}
    return tuple(wanted[node.name] for node in order if node.name in wanted)


def _prepared(runs: Iterable[Run], observed: Observation) -> Iterator[Run]:
    """The runs, each with what has to come before it: facts of all hosts, a snapshot of etcd."""
    known: set[str] = set()
    for run in runs:
        there = [name for name in names(run.nodes) if name in observed.reachable]
        author = Author(run.nodes, run.installer_version, run.kubernetes_version)
        if run.kind == "playbook" and run.limit and not known.issuperset(there):
            yield author.facts(there)
            known.update(there)
        if touches_etcd(run) and (member := _healthy_member(run, observed)):
            yield author.snapshot(member, f"before {run.playbook}")
        yield run
        if run.playbook == "cluster.yml" and not run.limit:
            known.update(there)


def touches_etcd(run: Run) -> bool:
    """Whether a run may change etcd, or upgrades something."""
    if run.playbook == "cluster.yml":
        return not run.tags
    if run.playbook == "remove-node.yml":
        members = {node.name for node in run.nodes if "etcd" in node.roles}
        return not members.isdisjoint(run.hosts)
    return run.playbook in {"upgrade-cluster.yml", "recover-control-plane.yml"}


def _healthy_member(run: Run, observed: Observation) -> str | None:
    """A member to take a snapshot on, rather one that is not about to leave."""
    healthy = [node.name for node in run.nodes if observed.etcd_members.get(node.name)]
    staying = [name for name in healthy if run.playbook != "remove-node.yml" or name not in run.hosts]
    return next(iter(staying or healthy), None)
