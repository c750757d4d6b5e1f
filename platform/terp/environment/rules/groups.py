"""Groups of nodes: where work can run, labels and taints, single nodes, what is said twice."""

from collections.abc import Iterator
from typing import Any

from terp.environment.environment import Environment
from terp.environment.findings import Finding, Key
from terp.environment.nodes import Pool
from terp.environment.rules.parts import parts

OWN_DOMAINS = ("kubernetes.io", "k8s.io")
"""Kubernetes' own; kubelets may not set labels there (NodeRestriction), but for the next ones."""
FREE_DOMAINS = ("node.kubernetes.io", "kubelet.kubernetes.io")
SET_BY_KUBERNETES = ("node.kubernetes.io/instance-type",)
"""Labels that the cloud controller sets."""
KEEPING_OFF = ("NoSchedule", "NoExecute")


def work_can_run_somewhere(environment: Environment) -> Iterator[Finding]:
    """A pool with a node and without taints, or a control plane that takes pods."""
    nodes = environment.nodes
    if nodes.control_plane.schedulable:
        return
    there = {name: pool for name, pool in nodes.pools.items() if pool.count}
    if not there:
        yield Finding(
            key=("nodes", "pools"),
            message="there is no worker: pods would have no place to run",
            suggestion="a pool with a count of 1 or more; or nodes.control_plane.schedulable: true",
        )
    elif all(_keeps_off(pool) for pool in there.values()):
        name = min(there)
        yield Finding(
            key=("nodes", "pools", name, "taints"),
            message="every pool is tainted: what has no toleration (DNS, Argo CD) would have no place to run",
            suggestion="one pool without taints; or nodes.control_plane.schedulable: true",
        )


def _keeps_off(pool: Pool) -> bool:
    return any(taint.effect in KEEPING_OFF for taint in pool.taints)


def labels_can_be_set(environment: Environment) -> Iterator[Finding]:
    """Kubernetes keeps its own domains for itself."""
    for name, pool in sorted(environment.nodes.pools.items()):
        for label in sorted(pool.labels):
            domain, _, short = label.rpartition("/")
            ours = any(domain == each or domain.endswith(f".{each}") for each in OWN_DOMAINS)
            free = any(domain == each or domain.endswith(f".{each}") for each in FREE_DOMAINS)
            if label in SET_BY_KUBERNETES or (ours and not free):
                yield Finding(
                    key=("nodes", "pools", name, "labels", label),
                    message=f'"{label}" may not be set by kubelets: its domain is that of Kubernetes',
                    suggestion=f'a domain of your own, for example "example.org/{short}"',
                )


def taints_are_said_once(environment: Environment) -> Iterator[Finding]:
    """Kubernetes takes one value for each key and effect."""
    for name, pool in sorted(environment.nodes.pools.items()):
        seen: dict[tuple[str, str], Key] = {}
        for place, taint in enumerate(pool.taints):
            key = ("nodes", "pools", name, "taints", place)
            other = seen.setdefault((taint.key, taint.effect), key)
            if other != key:
                yield Finding(
                    key=key,
                    message=f'"{taint.key}" with {taint.effect} is there already, in',
                    other=other,
                    suggestion="keep one of them",
                )


def overrides_are_of_nodes_that_there_are(environment: Environment) -> Iterator[Finding]:
    """Node n of count nodes is numbered from 0."""
    for part in parts(environment):
        count = part.group.count
        for number in sorted(part.group.overrides):
            if 0 <= number < count:
                continue
            last = f"numbers go from 0 to {count - 1}" if count else "the group has no nodes"
            yield Finding(
                key=(*part.key, "overrides", str(number)),
                message=f"there is no node {number}: {last}, by",
                other=(*part.key, "count"),
                value=str(count),
                suggestion=f"did you mean {min(max(number, 0), count - 1)}?" if count else "leave it out",
            )


def zones_of_overrides_are_known(environment: Environment) -> Iterator[Finding]:
    """A single node in a zone that its group does not name is a slip of the pen."""
    for part in parts(environment):
        for number, override in sorted(part.group.overrides.items()):
            if part.group.zones and override.zone and override.zone not in part.group.zones:
                yield Finding(
                    key=(*part.key, "overrides", str(number), "zone"),
                    message=f'"{override.zone}" is not among the zones of its group, by',
                    other=(*part.key, "zones"),
                    value=", ".join(part.group.zones),
                    suggestion="add it there, or take one of them",
                )


def an_existing_server_group_is_as_it_is(environment: Environment) -> Iterator[Finding]:
    """It has its policy already, and a server is in one group."""
    for part in parts(environment):
        own = type(part.group).model_fields["affinity"].default
        if part.group.server_group and part.group.affinity != own:
            yield Finding(
                key=(*part.key, "affinity"),
                message="has no effect: the servers join a group that has its policy, by",
                other=(*part.key, "server_group"),
                value=part.group.server_group,
                suggestion="one of the two",
            )


def lists_say_everything_once(environment: Environment) -> Iterator[Finding]:
    """The same zone, network, range or key twice is a slip of the pen."""
    free = {"kubernetes": {"vars"}}  # lists of Kubespray's, which may mean what they say
    yield from _twice(environment.model_dump(mode="json", exclude=free), ())


def _twice(value: Any, key: Key) -> Iterator[Finding]:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _twice(each, (*key, name))
    if isinstance(value, list):
        for place, each in enumerate(value):
            yield from _twice(each, (*key, place))
            first = value.index(each)
            if first < place and not isinstance(each, dict):
                yield Finding(
                    key=(*key, place),
                    message=f'"{each if len(each) < 60 else each[:57] + "..."}" is there already, in',
                    other=(*key, first),
                    suggestion="keep one of them",
                )


GROUPS = (
    work_can_run_somewhere,
    labels_can_be_set,
    taints_are_said_once,
    overrides_are_of_nodes_that_there_are,
    zones_of_overrides_are_known,
    an_existing_server_group_is_as_it_is,
    lists_say_everything_once,
)
