"""Names: what the project has already of the names that the plan gives, and what nobody knows of any more."""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from terp.environment import Environment
from terp.environment.findings import Key
from terp.openstack.servers import Server, servers
from terp.openstack.types import KEYPAIR
from terp.preflight.finding import Finding, error, warning
from terp.preflight.mentions import NODES, group_key
from terp.preflight.recorded import ids, names
from terp.preflight.snapshot import Marked, Snapshot


def check(
    stack: str, environment: Environment, snapshot: Snapshot, state: Mapping[str, Any] | None
) -> Iterator[Finding]:
    """Findings about names; `state` is Pulumi's, which knows what is the stack's own."""
    known = ids(state)
    wanted = servers(stack, environment)
    for server in wanted:
        yield from _server(stack, server, snapshot.servers or (), known)
    for kind, key, expected, there in _others(stack, environment, wanted, snapshot):
        yield from _strangers(kind, key, stack, expected, there)
    yield from _keypair(stack, environment, snapshot, state)
    yield from _unknown(stack, snapshot, known)


def _server(stack: str, server: Server, there: Sequence[Marked], known: Set[str]) -> Iterator[Finding]:
    """Two servers of one name: OpenStack's cloud controller finds a node's server by its name."""
    for each in there:
        if each.name == server.name and each.stack != stack and each.id not in known:
            yield error(
                group_key(server.group),
                f"the project has another server {server.name} ({_owner(each)})",
                "Kubernetes would take it for its own: rename the stack or the pool, or delete it",
            )


def _others(
    stack: str, environment: Environment, wanted: Sequence[Server], snapshot: Snapshot
) -> Iterator[tuple[str, Key, frozenset[str], Sequence[Marked]]]:
    network = environment.network
    made = {name for name, each in network.additional.items() if not each.existing}
    own = made if network.existing else made | {"nodes"}
    ports = {f"{stack}-{server.key}" for server in wanted} | {
        f"{stack}-{server.key}-{name}" for server in wanted for name in server.networks
    }
    volumes = frozenset(f"{server.name}-{name}" for server in wanted for name in server.volumes)
    yield "network", ("network",), frozenset(f"{stack}-{name}" for name in own), snapshot.networks or ()
    yield "port", NODES, frozenset(ports), snapshot.ports or ()
    yield "volume", NODES, volumes, snapshot.volumes or ()
    yield "load balancer", ("access", "api"), frozenset({f"{stack}-api"}), snapshot.load_balancers or ()


def _strangers(
    kind: str, key: Key, stack: str, expected: frozenset[str], there: Sequence[Marked]
) -> Iterator[Finding]:
    for each in there:
        if each.mine and each.name in expected and each.stack != stack:
            yield warning(
                key,
                f"the project has another {kind} {each.name} ({_owner(each)})",
                "it stays as it is; two of one name are easily confused",
            )


def _keypair(
    stack: str, environment: Environment, snapshot: Snapshot, state: Mapping[str, Any] | None
) -> Iterator[Finding]:
    if environment.access.ssh.keypair or stack not in (snapshot.keypairs or ()):
        return
    if stack not in names(state, KEYPAIR):
        yield error(
            ("access", "ssh", "keypair"),
            f"the user has a key pair {stack!r} already, and the stack would make one of this name",
            f"delete it (openstack keypair delete {stack}), or use it: access.ssh.keypair",
        )


def _unknown(stack: str, snapshot: Snapshot, known: Set[str]) -> Iterator[Finding]:
    """What carries the stack's mark and is not in its state: of a killed `up`, or of another state."""
    kinds: Mapping[str, Sequence[Marked]] = {
        "servers": snapshot.servers or (),
        "volumes": snapshot.volumes or (),
        "networks": snapshot.networks or (),
        "routers": snapshot.routers or (),
        "ports": snapshot.ports or (),
        "security groups": snapshot.security_groups or (),
        "load balancers": snapshot.load_balancers or (),
    }
    found = {
        kind: sorted(each.name or each.id for each in there if each.stack == stack and each.id not in known)
        for kind, there in kinds.items()
    }
    for kind, left in found.items():
        if left:
            shown = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
            yield warning(
                (),
                f"{len(left)} {kind} carry the mark of the stack {stack!r}; its state lacks them: {shown}",
                "left by a run that was killed, or another person's stack of the same name",
            )


def _owner(each: Marked) -> str:
    return f"of the stack {each.stack}" if each.stack else f"id {each.id}"
