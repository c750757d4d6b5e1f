"""What is refused before anything runs: it would lose data, or stop half-way."""

from collections.abc import Iterator, Sequence

from terp.kubernetes.model import ClusterState, Node, Observation
from terp.kubernetes.plan.change import Change, UnsafeChangeError, names
from terp.kubernetes.scopes import by_scope


def refuse_unsafe(change: Change) -> None:
    """Refuse what no order of runs makes safe.

    Raises:
        UnsafeChangeError: with all that stands against it.
    """
    parts = (_certificates, _identity, _variables, _etcd, _hosts)
    found = [finding for part in parts for finding in part(change)]
    if found:
        said = "\n".join(message for message, _ in found)
        hints = list(dict.fromkeys(hint for _, hint in found))
        raise UnsafeChangeError(said, "; ".join(hints))


def refuse_impossible(desired: ClusterState) -> None:
    """Refuse a cluster that cannot be.

    Raises:
        UnsafeChangeError: with what is missing.
    """
    nodes = desired.nodes
    twice = sorted({name for name in names(nodes) if names(nodes).count(name) > 1})
    if twice:
        raise UnsafeChangeError(f"named twice: {', '.join(twice)}", "a node has one name of its own")
    if not any("control-plane" in node.roles for node in nodes):
        raise UnsafeChangeError("no node has the control plane", "give it at least one: nodes.control_plane")
    members = _members(nodes)
    if len(members) % 2 == 0:
        raise UnsafeChangeError(
            f"etcd would have {len(members)} members", "etcd wants an odd number: 1, 3 or 5"
        )


def refuse_another_creation(
    desired: ClusterState, observed: Observation, attempts: Sequence[ClusterState]
) -> None:
    """Refuse to create a cluster over another one that a creation has begun.

    Raises:
        UnsafeChangeError: with the nodes that are in the cluster already and shall not be.
    """
    there = {*(observed.api_nodes or {}), *observed.etcd_members}
    begun = {(node.name, node.host_key) for past in attempts for node in past.nodes if node.name in there}
    wanted = {(node.name, node.host_key) for node in desired.nodes}
    others = sorted({name for name, _ in begun - wanted} | (there - set(names(desired.nodes))))
    if others:
        raise UnsafeChangeError(
            f"a creation that broke off has begun with other nodes: {', '.join(others)}",
            "finish it with the nodes that it had, or take the cluster down and create it anew",
        )


def quorum(members: int) -> int:
    """How many members of etcd must agree (etcd v3.6, FAQ: "What is failure tolerance?")."""
    return members // 2 + 1


Finding = tuple[str, str]
"""What is wrong, and what would be right."""


def _certificates(change: Change) -> Iterator[Finding]:
    """Without an API every playbook stops at its first question."""
    for host, days in sorted(change.observed.certificate_days.items()):
        if days < 0:
            yield f"the certificate of the API server on {host} has ended", "renew it: terp certs renew"


def _identity(change: Change) -> Iterator[Finding]:
    recorded, desired = change.recorded, change.desired
    if recorded.installer != desired.installer:
        yield (
            f"the cluster was made by {recorded.installer}, not by {desired.installer}",
            "keep kubernetes.installer, or make a new environment",
        )
    for name, fingerprint in sorted(change.observed.fingerprints.items()):
        if recorded.secrets.get(name, fingerprint) != fingerprint:
            yield (
                f"the hosts have another {name} than the one that is kept",
                "somebody changed it by hand: bring the old one back, or what it encrypted is lost",
            )
    for name in sorted(recorded.secrets.keys() & desired.secrets.keys()):
        if "encrypt" in name and recorded.secrets[name] != desired.secrets[name]:
            yield (
                f"{name} would change, and what it encrypted could not be read any more",
                "keep it: Kubespray has no rotation of this key",
            )
    for node in change.staying:
        was = next((each for each in change.before if each.name == node.name), node)
        moved = set(was.roles) ^ set(node.roles)
        if moved - {"worker"} or (moved and "control-plane" not in node.roles):
            yield (
                f"{node.name} would be {', '.join(node.roles)}, and is {', '.join(was.roles)}",
                "a node keeps its part: add new nodes, then remove this one",
            )


def _variables(change: Change) -> Iterator[Finding]:
    for name in by_scope(change.differing).get("fixed", ()):
        old, new = (state.variables.get(name) for state in (change.recorded, change.desired))
        yield f"{name} cannot change on a living cluster: {old!r} -> {new!r}", f"set {name} back"


def _etcd(change: Change) -> Iterator[Finding]:
    """Quorum, now and at every step that the change has."""
    members = change.members
    healthy = {node.name for node in members if change.healthy(node)}
    leaving = [node for node in _members(change.leaving) if node.name in names(members)]
    arriving = _members(change.arriving)
    if not (leaving or arriving) or _joins_again(change):
        return
    if len(healthy) < quorum(len(members)):
        yield (
            f"etcd has lost its quorum: {len(healthy)} of {len(members)} members answer",
            "start their servers again; when they are lost, restore a snapshot",
        )
        return
    dead = [node for node in leaving if node.name not in healthy]
    left = len(members) - len(dead)
    sick = [node.name for node in members if node.name not in healthy and node not in leaving]
    if arriving and sick:
        yield f"etcd's members {', '.join(sick)} are not healthy", "mend or remove them before others come"
    alive = len(healthy) + len(arriving)
    total = left + len(arriving)
    for node in (each for each in leaving if each.name in healthy):
        alive, total = alive - 1, total - 1
        if alive < quorum(total):
            yield f"etcd would lose its quorum without {node.name}", "mend the other members first"


def _hosts(change: Change) -> Iterator[Finding]:
    """A host that does not answer stops a run of Kubespray for all."""
    if not _changes(change):
        return
    for node in (*change.staying, *change.arriving):
        if node.name not in change.observed.reachable:
            yield f"{node.name} does not answer SSH", "start it, or have its server replaced"
    if not any(change.alive(node) and "control-plane" in node.roles for node in change.staying):
        yield (
            "no node of the control plane would stay",
            "keep one, or rebuild the cluster from its recovery set",
        )
    silent = change.observed.api_nodes is None and not _joins_again(change)
    if silent and (change.leaving or change.arriving):
        yield "the API does not answer, so that nodes cannot come or go", "mend it first: terp up says more"


def _changes(change: Change) -> bool:
    recorded, desired = change.recorded, change.desired
    versions = ("installer_version", "kubernetes_version")
    return bool(
        change.leaving
        or change.joining
        or change.differing
        or change.attempts
        or any(getattr(recorded, each) != getattr(desired, each) for each in versions)
    )


def _joins_again(change: Change) -> bool:
    """Whether members come that an attempt was bringing in.

    A member that is added and not started can cost etcd its quorum; it has it back when the join is repeated.
    """
    attempted = {(node.name, node.host_key) for past in change.attempts for node in past.nodes}
    new = _members(change.joining)
    return bool(new) and all((node.name, node.host_key) in attempted for node in new) and not change.leaving


def _members(nodes: tuple[Node, ...]) -> list[Node]:
    return [node for node in nodes if "etcd" in node.roles]
