"""What Neutron has already: networks, routers, security groups, floating IPs that the environment names."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import TypeVar

from terp.environment import Environment
from terp.environment.findings import Key, did_you_mean
from terp.environment.network import ExistingNetwork
from terp.environment.rules.ranges import free, overlap, ranges
from terp.openstack.servers import servers
from terp.preflight import mentions
from terp.preflight.finding import Finding, error, warning
from terp.preflight.snapshot import Marked, Network, Snapshot, Subnet

EXTERNAL: Key = ("cloud", "external_network")
LEAST_MTU = 1280
"""Bytes; RFC 8200, and what is left for pods inside a VXLAN must do too."""
VXLAN = 50
"""Bytes of each packet that the overlay of the pods takes."""
INTERFACES = ("network:router_interface", "network:ha_router_replicated_interface")
"""How Neutron begins the owner of a router's port (also ..._distributed)."""
EXISTING = 1
"""Up to this rank, ranges (`rules.ranges`) are those of networks that are there, and not to be moved."""
Named = TypeVar("Named", bound=Marked)


def check(stack: str, environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    """Findings about everything of Neutron's that the environment names or stands beside."""
    if snapshot.networks is not None:
        yield from _external(stack, environment, snapshot, snapshot.networks)
        if snapshot.subnets is not None:
            for key, existing in mentions.existing_networks(environment):
                yield from _existing(environment, key, existing, snapshot)
    yield from _router(environment, snapshot)
    yield from _overlaps(stack, environment, snapshot)
    yield from _security_groups(environment, snapshot)
    yield from _reserved(stack, environment, snapshot)


def _external(
    stack: str, environment: Environment, snapshot: Snapshot, networks: tuple[Network, ...]
) -> Iterator[Finding]:
    name = environment.cloud.external_network
    outside = {network.name for network in networks if network.external}
    found = [network for network in networks if network.name == name]
    if not any(network.external for network in found):
        what = "is no external network (router:external)" if found else "does not exist"
        yield error(EXTERNAL, f"the network {name!r} {what}", did_you_mean(name, outside))
        return
    if len(found) > 1:
        yield error(EXTERNAL, f"{len(found)} networks are called {name!r}", "they must be told apart by name")
    wanted = _new_floating_ips(stack, environment)
    missing = wanted - sum(each.stack == stack for each in snapshot.floating_ips or ())
    free = (snapshot.free_addresses or {}).get(found[0].id)
    if free is not None and free < missing:
        yield error(EXTERNAL, f"the network {name!r} has {free} free addresses; {missing} are needed")
    if environment.network.existing and wanted:
        yield from _reachable(environment, environment.network.existing, found[0], snapshot)


def _new_floating_ips(stack: str, environment: Environment) -> int:
    new = sum(server.floating_ip == "new" for server in servers(stack, environment))
    return new + (environment.access.api.floating_ip == "new")


def _reachable(
    environment: Environment, existing: ExistingNetwork, external: Network, snapshot: Snapshot
) -> Iterator[Finding]:
    """Floating IPs reach an existing subnet only through a router between it and the external network."""
    found = _found(existing.subnet, snapshot.subnets or ())
    if len(found) != 1 or snapshot.routers is None or snapshot.ports is None:
        return
    joined = {
        port.device_id
        for port in snapshot.ports
        if port.owner.startswith(INTERFACES) and found[0].id in port.subnet_ids
    }
    routers = [router for router in snapshot.routers if router.id in joined]
    if not any(router.external_network_id == external.id for router in routers):
        yield error(
            ("network", "existing", "subnet"),
            f"no router joins the subnet {existing.subnet!r} with {environment.cloud.external_network!r}: "
            "floating IPs would not reach it",
            "give it a router, or name another external network",
        )


def _existing(
    environment: Environment, key: Key, existing: ExistingNetwork, snapshot: Snapshot
) -> Iterator[Finding]:
    networks, subnets = snapshot.networks or (), snapshot.subnets or ()
    found = _found(existing.network, networks)
    yield from exactly_one((*key, "network"), "network", existing.network, networks)
    if len(found) != 1:
        return
    inside = [subnet for subnet in subnets if subnet.network_id == found[0].id]
    wanted = environment.network
    if key == ("network", "existing"):
        yield from _subnet((*key, "subnet"), existing.subnet, inside, ("network", "nodes"), wanted.nodes)
        yield from _way_out((*key, "subnet"), existing.subnet, inside)
        yield from _mtu((*key, "network"), found[0])
        if existing.subnet_ipv6 and wanted.nodes_ipv6:
            v6: Key = ("network", "nodes_ipv6")
            yield from _subnet((*key, "subnet_ipv6"), existing.subnet_ipv6, inside, v6, wanted.nodes_ipv6)
        yield from _port_security((*key, "network"), found[0], wanted.port_security)
    else:
        additional = wanted.additional[str(key[2])]
        cidr: Key = (*key[:3], "cidr")
        yield from _subnet((*key, "subnet"), existing.subnet, inside, cidr, additional.cidr)


def _port_security(key: Key, network: Network, wanted: bool) -> Iterator[Finding]:
    """It is the network's, and ports of the nodes take it over."""
    if wanted and network.port_security is False:
        yield error(
            key,
            f"{network.name} has no port security: security groups do not hold",
            "if that is meant: network.port_security: false",
        )
    elif network.port_security and not wanted:
        yield error(
            key,
            f"{network.name} has port security: nodes without security groups would be shut off",
            "leave out network.port_security",
        )


def _subnet(
    key: Key, reference: str, inside: Sequence[Subnet], cidr_key: Key, cidr: IPv4Network | IPv6Network
) -> Iterator[Finding]:
    yield from exactly_one(key, "subnet of that network", reference, inside)
    for subnet in _found(reference, inside)[:1]:
        if subnet.cidr != cidr:
            yield error(
                cidr_key, f"{cidr}; the subnet {reference!r} is {subnet.cidr}", f"write {subnet.cidr}"
            )


def _way_out(key: Key, reference: str, inside: Sequence[Subnet]) -> Iterator[Finding]:
    for subnet in _found(reference, inside)[:1]:
        if subnet.gateway is None:
            yield error(key, f"the subnet {reference!r} has no gateway: nodes would reach nothing")
        if not subnet.dhcp:
            yield warning(
                key,
                f"the subnet {reference!r} has no DHCP",
                "addresses then come from the config drive alone: does the image's cloud-init read it?",
            )


def _mtu(key: Key, network: Network) -> Iterator[Finding]:
    if network.mtu is not None and network.mtu - VXLAN < LEAST_MTU:
        yield warning(
            key,
            f"{network.name} has an MTU of {network.mtu}; pods inside a VXLAN keep {network.mtu - VXLAN}",
            f"IPv6 needs {LEAST_MTU}",
        )


def _router(environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    wanted, there = environment.network.router, snapshot.routers
    if not wanted or there is None or environment.network.existing:
        return
    key: Key = ("network", "router")
    yield from exactly_one(key, "router", wanted, there)
    external = {network.id for network in snapshot.networks or () if network.external}
    for router in _found(wanted, there)[:1]:
        if router.external_network_id is None:
            yield error(key, f"the router {wanted!r} has no external gateway: nodes would reach nothing")
        elif external and not _leads_to(environment, snapshot, router.external_network_id):
            yield error(key, f"the router {wanted!r} does not lead to {environment.cloud.external_network!r}")


def _leads_to(environment: Environment, snapshot: Snapshot, network_id: str) -> bool:
    name = environment.cloud.external_network
    return any(network.id == network_id and network.name == name for network in snapshot.networks or ())


def _overlaps(stack: str, environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    """Ranges against subnets of others: wrong behind one router, and a trap where one may join them later."""
    routed = _routed(environment, snapshot)
    others = [each for each in snapshot.subnets or () if each.stack != stack]
    every = ranges(environment)
    taken = [*(each.cidr for each in every), *(each.cidr for each in others)]
    for mine in every:
        if mine.rank <= EXISTING:
            continue
        found = [each for each in others if overlap(each.cidr, mine.cidr)]
        better = free(mine.cidr.prefixlen, mine.cidr.version, taken) if found else None
        taken += [better] if better else []
        hint = f"free and large enough: {better}" if better else ""
        for subnet in found:
            if subnet.id in routed:
                yield error(
                    mine.key,
                    f"{mine.cidr} overlaps {subnet.cidr}, which the router has already "
                    f"(subnet {subnet.name or subnet.id})",
                    hint,
                )
        beside = [each for each in found if each.mine and each.id not in routed]
        if beside:
            listed = ", ".join(f"{each.name or each.id} ({each.cidr})" for each in beside)
            yield warning(
                mine.key,
                f"{mine.cidr} overlaps subnets of the project, which nodes can then never reach: {listed}",
                hint,
            )


def _routed(environment: Environment, snapshot: Snapshot) -> set[str]:
    """The subnets that the nodes' router, if there is one already, joins with theirs."""
    wanted, ports = environment.network, snapshot.ports or ()
    if wanted.existing:
        nodes = {subnet.id for subnet in _found(wanted.existing.subnet, snapshot.subnets or ())}
        routers = {
            port.device_id
            for port in ports
            if port.owner.startswith(INTERFACES) and nodes & set(port.subnet_ids)
        }
    elif wanted.router:
        routers = {router.id for router in _found(wanted.router, snapshot.routers or ())}
    else:
        return set()
    return {subnet_id for port in ports if port.device_id in routers for subnet_id in port.subnet_ids}


def _security_groups(environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.security_groups is not None:
        for key, reference in mentions.security_groups(environment):
            yield from exactly_one(key, "security group", reference, snapshot.security_groups)


def _reserved(stack: str, environment: Environment, snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.floating_ips is None:
        return
    there = {each.address: each for each in snapshot.floating_ips}
    external = {network.id for network in _found(environment.cloud.external_network, snapshot.networks or ())}
    ours = {port.id for port in snapshot.ports or () if port.stack == stack}
    for key, address in mentions.reserved_floating_ips(environment):
        found = there.get(address)
        if not found:
            free = sorted(str(each.address) for each in there.values() if not each.port_id)
            hint = f"free ones: {', '.join(free)}" if free else '"new" makes one'
            yield error(key, f"the project has no floating IP {address}", hint)
        elif external and found.network_id not in external:
            yield error(key, f"{address} is not in {environment.cloud.external_network!r}")
        elif found.port_id and found.port_id not in ours:
            yield error(key, f"{address} is in use by port {found.port_id}")


def _found(reference: str, there: Sequence[Named]) -> list[Named]:
    """What a reference may mean: one by its id, or all of its name."""
    return [each for each in there if each.id == reference] or [
        each for each in there if each.name == reference
    ]


def exactly_one(key: Key, what: str, reference: str, there: Sequence[Marked]) -> Iterator[Finding]:
    """Findings when a reference means nothing, or more than one."""
    found = _found(reference, there)
    if not found:
        yield error(
            key, f"there is no {what} {reference!r}", did_you_mean(reference, {each.name for each in there})
        )
    elif len(found) > 1:
        ids = ", ".join(each.id for each in found)
        yield error(key, f"{len(found)} of them are called {reference!r}", f"take the id: {ids}")
