"""What must hold between the keys of an environment; pure functions from the environment to findings."""

import re
from collections.abc import Iterator

from terp.environment.environment import Environment
from terp.environment.fields import NAME
from terp.environment.findings import Finding
from terp.environment.nodes import BASTION, CONTROL_PLANE, ETCD

LONGEST_NAME = 63
"""Characters of a server's name, which is a DNS label (RFC 1123)."""


def broken_rules(environment: Environment, stack: str | None) -> Iterator[Finding]:
    """Every finding of every rule; of the stack's name too, when it is given."""
    if stack is not None:
        yield from name_of_the_stack(stack, environment)


def name_of_the_stack(stack: str, environment: Environment) -> Iterator[Finding]:
    """It begins the name of every server."""
    if not re.fullmatch(NAME, stack):
        better = re.sub(r"[^a-z0-9]+", "-", stack.lower()).strip("-")
        yield Finding(
            key=(),
            message=f'the stack is called "{stack}", and servers would be: a-z, 0-9 and "-" only (RFC 1123)',
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
    nodes = environment.nodes
    yield f"{CONTROL_PLANE}-{nodes.control_plane.count - 1}"
    if nodes.etcd:
        yield f"{ETCD}-{nodes.etcd.count - 1}"
    for name, pool in nodes.pools.items():
        yield f"{name}-{max(pool.count - 1, 0)}"
    if environment.access.bastion:
        yield BASTION
