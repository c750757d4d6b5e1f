"""Networks: what is made and what exists, who joins which, what a key is without effect for."""

from collections.abc import Iterator

from terp.environment.environment import Environment
from terp.environment.findings import Finding, Key, did_you_mean
from terp.environment.rules.parts import parts

OURS = ("nodes", "nodes-ipv6")
"""Names of the nodes' own network and subnets."""
SMALLEST_IPV6 = 1280
"""Bytes of a packet that every IPv6 link carries (RFC 8200, 5)."""
VXLAN = 50
"""Bytes that Calico's VXLAN takes of the MTU."""


def an_existing_network_is_as_it_is(environment: Environment) -> Iterator[Finding]:
    """Router, MTU, resolvers and domain are given to networks that Terp makes."""
    network = environment.network
    made_only = ("router", "mtu", "dns_servers", "dns_domain")
    for name in made_only if network.existing else ():
        if getattr(network, name):
            yield _without_effect(("network", name), ("network", "existing"))
    for name, each in sorted(network.additional.items()):
        key = ("network", "additional", name)
        if each.existing and each.mtu:
            yield _without_effect((*key, "mtu"), (*key, "existing"))


def _without_effect(key: Key, other: Key) -> Finding:
    return Finding(
        key=key,
        message="has no effect: the network is there already, by",
        other=other,
        suggestion="leave it out",
    )


def existing_ipv6_subnets_and_ranges_go_together(environment: Environment) -> Iterator[Finding]:
    """The subnet says where nodes get IPv6, the range what it is."""
    network = environment.network
    subnet: Key = ("network", "existing", "subnet_ipv6")
    if not network.existing:
        return
    if network.existing.subnet_ipv6 and not network.nodes_ipv6:
        yield Finding(
            key=("network", "nodes_ipv6"),
            message="is missing: the CIDR of the existing IPv6 subnet, which is",
            other=subnet,
            value=network.existing.subnet_ipv6,
            suggestion="see: openstack subnet show -c cidr",
        )
    if network.nodes_ipv6 and not network.existing.subnet_ipv6:
        yield Finding(
            key=subnet,
            message="is missing: the name or id of the existing subnet that has",
            other=("network", "nodes_ipv6"),
            value=str(network.nodes_ipv6),
            suggestion="see: openstack subnet list --ip-version 6",
        )


def groups_join_networks_that_there_are(environment: Environment) -> Iterator[Finding]:
    """By the names in network.additional."""
    known = environment.network.additional
    for part in parts(environment):
        for place, name in enumerate(part.group.networks):
            if name not in known:
                yield Finding(
                    key=(*part.key, "networks", place),
                    message=f'there is no network "{name}" in network.additional',
                    suggestion=did_you_mean(name, known)
                    or f"describe it there: additional: {{{name}: {{cidr: 10.11.0.0/24}}}}",
                )


def every_network_is_joined(environment: Environment) -> Iterator[Finding]:
    """One that nobody joins is a forgotten line somewhere."""
    joined = {name for part in parts(environment) for name in part.group.networks}
    for name in sorted(environment.network.additional.keys() - joined):
        yield Finding(
            key=("network", "additional", name),
            message="no group of nodes joins this network",
            suggestion=f"in a group: networks: [{name}]; or leave it out",
        )


def networks_have_names_of_their_own(environment: Environment) -> Iterator[Finding]:
    """The nodes' network has its name already."""
    for name in OURS:
        if name in environment.network.additional:
            yield Finding(
                key=("network", "additional", name),
                message=f'"{name}" is the name of the network that all nodes are in',
                suggestion='a name for what it is for, such as "storage"',
            )


def resolvers_can_be_reached(environment: Environment) -> Iterator[Finding]:
    """Nodes ask them before there is a Kubernetes, and over a subnet of their version."""
    network = environment.network
    inside = {"pods": network.kubernetes.pods, "services": network.kubernetes.services}
    for place, server in enumerate(network.dns_servers):
        key = ("network", "dns_servers", place)
        if server.version == 6 and not network.nodes_ipv6:
            yield Finding(
                key=key,
                message=f"{server} is an IPv6 address, and the nodes have no IPv6",
                suggestion="an IPv4 address; or give network.nodes_ipv6",
            )
        for name, cidr in inside.items():
            if server in cidr:
                yield Finding(
                    key=key,
                    message=f"{server} is there when Kubernetes is, and nodes need it before: it is in",
                    other=("network", "kubernetes", name),
                    value=str(cidr),
                    suggestion="the address of a resolver outside of the cluster",
                )


def packets_of_ipv6_fit(environment: Environment) -> Iterator[Finding]:
    """Pods have what VXLAN leaves of the MTU, and IPv6 needs 1280 bytes of it."""
    network = environment.network
    if network.nodes_ipv6 and network.mtu and network.mtu - VXLAN < SMALLEST_IPV6:
        yield Finding(
            key=("network", "mtu"),
            message=f"{network.mtu} leaves pods {network.mtu - VXLAN} bytes; IPv6 needs {SMALLEST_IPV6}",
            suggestion=f"{SMALLEST_IPV6 + VXLAN} or more",
        )


NETWORKS = (
    an_existing_network_is_as_it_is,
    existing_ipv6_subnets_and_ranges_go_together,
    groups_join_networks_that_there_are,
    every_network_is_joined,
    networks_have_names_of_their_own,
    resolvers_can_be_reached,
    packets_of_ipv6_fit,
)
