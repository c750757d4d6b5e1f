"""The quota: what the plan adds to what is used, against what the project may have."""

from collections import Counter
from collections.abc import Iterator, Mapping

from pydantic import computed_field

from terp.environment import Environment
from terp.environment.findings import Key
from terp.model import Model
from terp.openstack.servers import ServerGroup, server_groups
from terp.openstack.types import INSTANCE
from terp.preflight.demand import RESOURCES, Thing, Uses
from terp.preflight.finding import Finding, error
from terp.preflight.mentions import API, NODES, volumes
from terp.preflight.snapshot import Quota, Snapshot

MEMBERS = "server_group_members"
CONCERNS: Mapping[str, Key] = {
    "key_pairs": ("access", "ssh", "keypair"),
    **dict.fromkeys(("networks", "subnets", "routers"), ("network",)),
    **dict.fromkeys(("security_groups", "security_group_rules", "floating_ips"), ("access",)),
    **dict.fromkeys(
        ("load_balancers", "listeners", "pools", "health_monitors", "members"), (*API, "endpoint")
    ),
}
"""The part of the environment that asks for it; the nodes ask for all else."""


class Row(Model):
    """One line of the table; `quota` is -1 when there may be any number."""

    resource: str
    label: str
    quota: int
    used: int
    added: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def short(self) -> int:
        """How many are missing; a plan that adds none is not to blame for what is used beyond the quota."""
        if self.quota < 0 or self.added <= 0:
            return 0
        return max(0, self.used + self.added - self.quota)


def table(
    stack: str,
    environment: Environment,
    wanted: Mapping[Thing, Uses],
    have: Mapping[Thing, Uses],
    quotas: Mapping[str, Quota],
) -> tuple[Row, ...]:
    """One row for each quota that the cloud tells and that the environment takes something of."""
    plan = added(wanted, have)
    taken = Counter[str]()
    for uses in wanted.values():
        taken.update(uses)
    rows = [
        Row(
            resource=name,
            label=label(name),
            quota=quotas[name].limit,
            used=quotas[name].used,
            added=plan[name],
        )
        for name in sorted(taken.keys() & quotas.keys(), key=_place)
    ]
    group = largest_group(stack, environment)
    if group and MEMBERS in quotas:
        rows.append(_members(group, have, quotas[MEMBERS].limit))
    return tuple(rows)


def added(wanted: Mapping[Thing, Uses], have: Mapping[Thing, Uses]) -> Counter[str]:
    """What the plan takes more, at its height.

    Thing by thing: a thing that grows or comes counts, and one that goes frees nothing, for Pulumi deletes
    last.
    """
    plan = Counter[str]()
    for thing, uses in wanted.items():
        before = have.get(thing, {})
        plan.update({name: max(0, count - before.get(name, 0)) for name, count in uses.items()})
    return plan


def short(rows: tuple[Row, ...], project: str) -> Iterator[Finding]:
    """A finding for each row that does not suffice."""
    for row in rows:
        if row.short:
            yield error(
                CONCERNS.get(row.resource, NODES),
                f"quota of {row.label}: {row.short} short ({row.quota} allowed, {row.used} used, "
                f"{row.added} added)",
                f"ask the cloud's operator to raise it to {row.used + row.added} (project {project})",
            )


def too_large(environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    """Volumes larger than the project may make."""
    for key, volume in volumes(environment):
        if 0 <= snapshot.largest_volume < volume.size:
            yield error(
                (*key, "size"),
                f"{volume.size} GiB; a volume of this project has at most {snapshot.largest_volume} GiB",
                "ask the cloud's operator for a larger per_volume_gigabytes",
            )


def largest_group(stack: str, environment: Environment) -> ServerGroup | None:
    """The server group with the most members: each has the same limit."""
    groups = [group for group in server_groups(stack, environment) if group.affinity != "none"]
    return max(groups, key=lambda group: len(group.servers), default=None)


def label(resource: str) -> str:
    """How the table calls a quota: `volumes of type fast, GiB`."""
    if resource in RESOURCES:
        return RESOURCES[resource]
    what, _, kind = resource.partition("_")
    return f"volumes of type {kind}" + (", GiB" if what == "gigabytes" else "")


def _members(group: ServerGroup, have: Mapping[Thing, Uses], limit: int) -> Row:
    there = sum((INSTANCE, server.key) in have for server in group.servers)
    return Row(
        resource=MEMBERS,
        label=f"members of server group {group.name}",
        quota=limit,
        used=there,
        added=len(group.servers) - there,
    )


def _place(resource: str) -> tuple[int, str]:
    names = list(RESOURCES)
    if resource in names:
        return names.index(resource), ""
    what, _, kind = resource.partition("_")
    return names.index("gigabytes"), f"{kind} {what}"
