"""Address ranges: apart from each other, large enough, and of a kind that can be routed."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations
from typing import NamedTuple

from terp.environment.environment import Environment
from terp.environment.fields import Cidr
from terp.environment.findings import Finding, Key
from terp.environment.rules.parts import kubernetes_nodes, parts, servers

PRIVATE: tuple[Cidr, ...] = tuple(
    ip_network(each)
    for each in ("10.128.0.0/9", "10.0.0.0/9", "172.16.0.0/12", "192.168.0.0/16", "fd10::/16", "fd00::/8")
)
"""Where a free range is looked for, in this order (RFC 1918, RFC 4193)."""
SPECIAL: dict[Cidr, str] = {
    ip_network(cidr): what
    for cidr, what in {
        "0.0.0.0/8": "addresses of no host",
        "127.0.0.0/8": "loopback",
        "169.254.0.0/16": "link-local",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
        "::/8": "addresses of no host",
        "fe80::/10": "link-local",
        "ff00::/8": "multicast",
    }.items()
}
"""Ranges that no server has an address in (RFC 6890)."""
NODES_AT_MOST = 16
"""Kubernetes' controller manager hands out 2^16 node ranges at most (clusterSubnetMaxDiff)."""
SERVICES = {4: (12, 24), 6: (108, 120)}
"""Shortest and longest prefix: kube-apiserver takes 2^20 addresses at most; a platform has hundreds."""
SLAAC = 64
"""Prefix of an IPv6 subnet whose nodes make their own addresses (RFC 4862)."""


class Range(NamedTuple):
    """A range with its key; of two that overlap, the one with the higher rank is the one to move."""

    key: Key
    cidr: Cidr
    rank: int


def ranges(environment: Environment) -> list[Range]:
    """Every range of an environment."""
    network, pods = environment.network, environment.network.kubernetes
    nodes_rank = 1 if network.existing else 2
    kubernetes: Key = ("network", "kubernetes")
    found: list[tuple[Key, Cidr | None, int]] = [
        *((("network", "reserved", place), cidr, 0) for place, cidr in enumerate(network.reserved)),
        (("network", "nodes"), network.nodes, nodes_rank),
        (("network", "nodes_ipv6"), network.nodes_ipv6, nodes_rank),
        *(
            (("network", "additional", name, "cidr"), each.cidr, 1 if each.existing else 3)
            for name, each in sorted(network.additional.items())
        ),
        ((*kubernetes, "services"), pods.services, 4),
        ((*kubernetes, "services_ipv6"), pods.services_ipv6, 4),
        ((*kubernetes, "pods"), pods.pods, 5),
        ((*kubernetes, "pods_ipv6"), pods.pods_ipv6, 5),
    ]
    return [Range(key, cidr, rank) for key, cidr, rank in found if cidr is not None]


def free(prefix: int, version: int, taken: Sequence[Cidr]) -> Cidr | None:
    """The first private range of this size that overlaps none of `taken`."""
    for private in PRIVATE:
        if (
            private.version == version
            and prefix >= private.prefixlen
            and (found := _in(private, prefix, taken))
        ):
            return found
    return None


def _in(private: Cidr, prefix: int, taken: Sequence[Cidr]) -> Cidr | None:
    size = 1 << (private.max_prefixlen - prefix)
    start = int(private.network_address)
    while start <= int(private.broadcast_address):
        candidate = type(private)((start, prefix))
        hit = next((each for each in taken if overlap(each, candidate)), None)
        if hit is None:
            return candidate
        start = max(start + size, -(-(int(hit.broadcast_address) + 1) // size) * size)
    return None


def overlap(one: Cidr, other: Cidr) -> bool:
    """Whether they share an address."""
    return one.version == other.version and (_contains(one, other) or _contains(other, one))


def _contains(outer: Cidr, inner: Cidr) -> bool:
    first, last = int(outer.network_address), int(outer.broadcast_address)
    return first <= int(inner.network_address) <= last


def ranges_are_apart(environment: Environment) -> Iterator[Finding]:
    """Nodes, pods, Services, additional networks and the organisation's own overlap nowhere."""
    all_of_them = ranges(environment)
    taken = [each.cidr for each in all_of_them]
    blamed: set[Key] = set()
    for one, other in combinations(sorted(all_of_them, key=lambda each: each.rank), 2):
        mine = one.rank < 2 and other.rank < 2  # what the organisation has is as it is
        if mine or other.key in blamed or not overlap(one.cidr, other.cidr):
            continue
        blamed.add(other.key)
        better = free(other.cidr.prefixlen, other.cidr.version, taken)
        taken += [better] if better else []
        yield Finding(
            key=other.key,
            message=f"{other.cidr} overlaps",
            other=one.key,
            value=str(one.cidr),
            suggestion=f"free and large enough: {better}" if better else "",
        )


def ranges_can_be_routed(environment: Environment) -> Iterator[Finding]:
    """No loopback, link-local, multicast or reserved addresses."""
    for each in ranges(environment):
        special = next((cidr for cidr in SPECIAL if overlap(cidr, each.cidr)), None)
        if special and each.rank:
            yield Finding(
                key=each.key,
                message=f"{each.cidr} overlaps {special}, {SPECIAL[special]}: no server has such an address",
                suggestion="private ranges: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, IPv6 fd00::/8",
            )


def nodes_fit(environment: Environment) -> Iterator[Finding]:
    """The nodes' subnet has an address for each server, the gateway, DHCP and the API's endpoint."""
    network = environment.network
    apart = environment.access.api.endpoint != "node"
    needed = servers(environment) + 2 + apart
    what = "servers, gateway and DHCP" + (", the API's endpoint" if apart else "")
    yield from _fits(("network", "nodes"), network.nodes, needed, what)


def additional_networks_fit(environment: Environment) -> Iterator[Finding]:
    """An additional network has an address for each server that joins it, and for DHCP."""
    for name, network in sorted(environment.network.additional.items()):
        joined = sum(part.group.count for part in parts(environment) if name in part.group.networks)
        key = ("network", "additional", name, "cidr")
        yield from _fits(key, network.cidr, joined + 1, "servers that join it and DHCP")


def _fits(key: Key, cidr: IPv4Network, needed: int, what: str) -> Iterator[Finding]:
    usable = max(cidr.num_addresses - 2, 0)
    if usable >= needed:
        return
    prefix = 32 - (needed + 1).bit_length()
    large = IPv4Network((int(cidr.network_address) >> (32 - prefix) << (32 - prefix), prefix))
    yield Finding(
        key=key,
        message=f"{cidr} has {usable} addresses; {needed} are needed ({what})",
        suggestion=f"large enough: {large}; leave room to grow",
    )


def pods_fit(environment: Environment) -> Iterator[Finding]:
    """Each node of Kubernetes takes a part of the pods' range."""
    pods, network = environment.network.kubernetes, environment.kubernetes.network
    taken = [each.cidr for each in ranges(environment)]
    nodes = kubernetes_nodes(environment)
    for name, cidr, each in (
        ("pods", pods.pods, network.node_prefix),
        ("pods_ipv6", pods.pods_ipv6, network.node_prefix_ipv6),
    ):
        if cidr is None:
            continue
        key = ("network", "kubernetes", name)
        room = 1 << max(each - cidr.prefixlen, 0) if cidr.prefixlen <= each else 0
        if room < nodes:
            better = free(each - (nodes - 1).bit_length(), cidr.version, taken)
            yield Finding(
                key=key,
                message=f"{cidr} has room for {room} of {nodes} nodes (each takes a /{each})",
                suggestion=f"free and large enough: {better}",
            )
        elif each - cidr.prefixlen > NODES_AT_MOST:
            yield Finding(
                key=key,
                message=f"{cidr} is too large: Kubernetes takes {1 << NODES_AT_MOST} parts (a /{each})",
                suggestion=f"large enough: {_first(cidr, each - NODES_AT_MOST)}",
            )


def services_fit(environment: Environment) -> Iterator[Finding]:
    """kube-apiserver takes no range beyond its bitmap; a platform has some hundred Services."""
    pods = environment.network.kubernetes
    for name, cidr in (("services", pods.services), ("services_ipv6", pods.services_ipv6)):
        if cidr is None:
            continue
        shortest, longest = SERVICES[cidr.version]
        prefix = min(max(cidr.prefixlen, shortest), longest)
        if prefix != cidr.prefixlen:
            size = (
                "small: Services are some hundred" if prefix < cidr.prefixlen else "large for kube-apiserver"
            )
            yield Finding(
                key=("network", "kubernetes", name),
                message=f"{cidr} is too {size}; from /{shortest} to /{longest}",
                suggestion=f"nearest: {_first(cidr, prefix)}",
            )


def _first(cidr: Cidr, prefix: int) -> Cidr:
    """A range of another size that begins with it, or that it lies in."""
    return ip_network((int(cidr.network_address), prefix), strict=False)


def dual_stack_is_complete(environment: Environment) -> Iterator[Finding]:
    """IPv6 for nodes, pods and Services, or for none of them."""
    network, pods = environment.network, environment.network.kubernetes
    there: dict[Key, IPv6Network | None] = {
        ("network", "nodes_ipv6"): network.nodes_ipv6,
        ("network", "kubernetes", "pods_ipv6"): pods.pods_ipv6,
        ("network", "kubernetes", "services_ipv6"): pods.services_ipv6,
    }
    given = next((key for key, value in there.items() if value), None)
    taken = [each.cidr for each in ranges(environment)]
    prefixes = {"nodes_ipv6": SLAAC, "pods_ipv6": 112, "services_ipv6": 116}
    for key, value in there.items():
        if given and value is None:
            better = free(prefixes[str(key[-1])], 6, taken)
            taken += [better] if better else []
            yield Finding(
                key=key,
                message="is missing: IPv6 is for nodes, pods and Services, or for none; there is",
                other=given,
                value=str(there[given]),
                suggestion=f"for example {key[-1]}: {better}",
            )


def nodes_make_their_ipv6_addresses(environment: Environment) -> Iterator[Finding]:
    """SLAAC needs a /64."""
    cidr = environment.network.nodes_ipv6
    if cidr and not environment.network.existing and cidr.prefixlen != SLAAC:
        yield Finding(
            key=("network", "nodes_ipv6"),
            message=f"{cidr} is a /{cidr.prefixlen}; nodes make their addresses (SLAAC) in a /{SLAAC} only",
            suggestion=f"did you mean {_first(cidr, SLAAC)}?",
        )


RANGES = (
    ranges_are_apart,
    ranges_can_be_routed,
    nodes_fit,
    additional_networks_fit,
    pods_fit,
    services_fit,
    dual_stack_is_complete,
    nodes_make_their_ipv6_addresses,
)
