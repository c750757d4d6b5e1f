"""Names: of the stack, of pools, and of all that is called after them."""

import re
from collections.abc import Iterator

from terp.environment.environment import Environment
from terp.environment.fields import NAME
from terp.environment.findings import Finding, Key, did_you_mean
from terp.environment.nodes import BASTION, RESERVED
from terp.environment.rules.parts import Part, parts

LONGEST_NAME = 63
"""Characters of a server's name, which is a DNS label (RFC 1123)."""
TAKEN_GROUPS = (
    "all",
    "bastion",
    "calico_rr",
    "etcd",
    "k8s_cluster",
    "kube_control_plane",
    "kube_node",
    "ungrouped",
)
"""Groups of Kubespray's inventory that Terp fills itself, and those of Ansible."""
INVENTORY_GROUP = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def name_of_the_stack(stack: str, environment: Environment) -> Iterator[Finding]:
    """It begins the name of every server."""
    if not re.fullmatch(NAME, stack):
        better = re.sub(r"[^a-z0-9]+", "-", stack.lower()).strip("-")
        yield Finding(
            key=(),
            message=f'the stack is called "{stack}", and servers after it: a-z, 0-9 and "-" only (RFC 1123)',
            suggestion=f"rename the file: Pulumi.{better}.yaml" if better else "",
        )
    longest = max((f"{stack}-{suffix}" for suffix in _suffixes(environment)), key=len)
    if len(longest) > LONGEST_NAME:
        yield Finding(
            key=(),
            message=f'"{longest}", a server, has {len(longest)} characters; {LONGEST_NAME} are possible',
            suggestion=f"shorten the stack's name by {len(longest) - LONGEST_NAME}",
        )


def _suffixes(environment: Environment) -> Iterator[str]:
    for part in parts(environment):
        yield f"{part.name}-{max(part.group.count - 1, 0)}"
    if environment.access.bastion:
        yield BASTION


def pools_have_names_of_their_own(environment: Environment) -> Iterator[Finding]:
    """Other groups of servers, and security groups, have theirs already."""
    for name in environment.nodes.pools:
        if name in RESERVED:
            yield Finding(
                key=("nodes", "pools", name),
                message=f'no pool can be called "{name}": Terp has a group of that name',
                suggestion=f'did you mean "{name}s"?' if name in {"node", "worker"} else 'for example "cpu"',
            )


def no_two_things_have_one_name(environment: Environment) -> Iterator[Finding]:
    """Ports and volumes are called after the pool, the number of the node, and the network or volume."""
    first: dict[str, Part] = {}
    blamed: set[Key] = set()
    for name, part in [(name, each) for each in parts(environment) for name in _called(each)]:
        other = first.setdefault(name, part)
        if other is not part and part.key not in blamed:
            blamed.add(part.key)
            yield Finding(
                key=part.key,
                message=f'a port or volume would be called "{name}", as one of',
                other=other.key,
                suggestion="another name for the pool, or for its network or volume",
            )


def _called(part: Part) -> Iterator[str]:
    group = part.group
    has_etcd = getattr(group, "etcd_volume", None) and "etcd" not in group.volumes
    things = dict.fromkeys(["", *(f"-{name}" for name in (*group.networks, *group.volumes))])
    for number in range(group.count):
        for thing in (*things, *(["-etcd"] if has_etcd else [])):
            yield f"{part.name}-{number}{thing}"


def networks_and_volumes_are_told_apart(environment: Environment) -> Iterator[Finding]:
    """A port and a volume of one server are both called after it."""
    for part in parts(environment):
        for name in sorted(part.group.volumes.keys() & set(part.group.networks)):
            yield Finding(
                key=(*part.key, "volumes", name),
                message=f'the volume is called as the network "{name}" that the nodes join',
                suggestion=f'for example "{name}-data"',
            )


def inventory_groups_are_free(environment: Environment) -> Iterator[Finding]:
    """Terp decides who is in Kubespray's own groups; others have names that Ansible takes."""
    for name, pool in sorted(environment.nodes.pools.items()):
        for place, group in enumerate(pool.inventory_groups):
            key = ("nodes", "pools", name, "inventory_groups", place)
            if group in TAKEN_GROUPS:
                yield Finding(
                    key=key,
                    message=f'"{group}" is a group that Terp fills: workers are no others',
                    suggestion="leave it out",
                )
            elif not INVENTORY_GROUP.fullmatch(group):
                better = re.sub(r"[^A-Za-z0-9_]+", "_", group)
                yield Finding(
                    key=key,
                    message=f'"{group}" is no name of a group in Ansible: letters, digits and "_"',
                    suggestion=did_you_mean(
                        group, [better if INVENTORY_GROUP.fullmatch(better) else f"_{better}"]
                    ),
                )


NAMES = (
    pools_have_names_of_their_own,
    no_two_things_have_one_name,
    networks_and_volumes_are_told_apart,
    inventory_groups_are_free,
)
