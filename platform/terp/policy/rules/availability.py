"""What would not be there for a while: etcd's quorum, the nodes of a pool; and upgrades that go too far."""

from collections.abc import Iterator

from terp.environment import Environment
from terp.kubernetes.plan.refusals import quorum
from terp.kubernetes.plan.upgrades import number
from terp.kubernetes.resource import CLUSTER
from terp.policy.finding import Objection
from terp.policy.plan import Plan
from terp.policy.servers import etcd_members, is_away, lost_members, names, pools


def etcd(plan: Plan, environment: Environment) -> Iterator[Objection]:
    """Pulumi changes servers side by side: etcd's members would be away together."""
    members, lost = etcd_members(plan), lost_members(plan)
    left, needed = len(members) - len(lost), quorum(len(members))
    if lost and left < needed:
        yield Objection(
            "etcd",
            f"{left} of {len(members)} members would be left, and {needed} must be: without {names(lost)}",
        )
    elif members and all(step.goes for step in members):
        yield Objection("etcd", f"no member would stay: without {names(members)}")


def workers(plan: Plan, environment: Environment) -> Iterator[Objection]:
    """Pods of a node that goes must find room on those that stay."""
    for pool, there in sorted(pools(plan).items()):
        away = tuple(step for step in there if is_away(step))
        limit = allowed(environment.nodes.max_unavailable, len(there))
        if len(away) > limit:
            yield Objection(
                pool,
                f"{len(away)} of {len(there)} nodes would be gone at once, and {limit} may be "
                f"(nodes.max_unavailable): {names(away)}",
            )


def upgrades(plan: Plan, environment: Environment) -> Iterator[Objection]:
    """Kubernetes supports clients and nodes over few minor versions: each is to be lived with for a while."""
    for step in plan.of(CLUSTER):
        old, new = (str(side.get("kubernetes_version", "")) for side in (step.was, step.becomes))
        if old and new and _minors(old, new) > 1:
            yield Objection(
                step.name, f"Kubernetes would go from {old} to {new} in one step, over a minor version"
            )


def allowed(limit: int | str, count: int) -> int:
    """How many of so many nodes may be gone; of a percentage at least one, as nothing could change else."""
    if isinstance(limit, int):
        return limit
    return max(1, count * int(limit.removesuffix("%")) // 100)


def _minors(old: str, new: str) -> int:
    before, after = number(old), number(new)
    return after[1] - before[1] if after[0] == before[0] else 2
