"""The fabric's firewall: which frames a port may send and which packets its security groups let through.

Two tables, replaced together in one transaction. The `bridge` table sees the tap that a frame came from and
the one that it goes to. The `inet` table, where connections are tracked, does not: bridged packets reach it
through br_netfilter (many kernels cannot track connections in the bridge family itself). So the former tells
the latter in the packet's mark:

    tap ──► bridge prerouting: mark = sender, its MAC and IP addresses checked
            inet prerouting: connection tracking in the zone of the network (tenants' addresses may overlap)
            inet forward: egress rules of the sender
            bridge postrouting: mark = receiver
            inet postrouting: ingress rules of the receiver ──► tap

Whatever has no mark is dropped: a tap is closed until Neutron's database knows its port.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_network

from terp.cloud.network.links import bridge, tap
from terp.cloud.network.model import Port, Rule, Snapshot

Prefix = IPv4Network | IPv6Network

FREE = 1
"""Mark of every port without security groups."""
NUMBERS = range(2, 0x1_0000_0000)
"""Marks of the ports with security groups."""
ZONES = range(1, 0x1_0000)
"""Connection tracking zones, one for each network."""
CUT = 1
"""Mark of a tracked connection whose packets no rule allows any more: its replies stop too."""

LINK_LOCAL = int(IPv6Address("fe80::"))

PROTOCOLS = {
    "any": 0,
    "icmp": 1,
    "igmp": 2,
    "ipip": 4,
    "tcp": 6,
    "egp": 8,
    "udp": 17,
    "dccp": 33,
    "ipv6-encap": 41,
    "ipv6-route": 43,
    "ipv6-frag": 44,
    "rsvp": 46,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ipv6-icmp": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ospf": 89,
    "vrrp": 112,
    "pgm": 113,
    "sctp": 132,
    "udplite": 136,
}
"""The names that Neutron accepts (neutron_lib.constants.IP_PROTOCOL_MAP) and their IANA numbers; 0 is all."""
ICMP, ICMPV6 = 1, 58
WITH_PORTS = frozenset({6, 17, 33, 132, 136})


def firewall(
    snapshot: Snapshot, numbers: Mapping[str, int], zones: Mapping[str, int], legs: Iterable[str] = ()
) -> str:
    """The ruleset of the fabric, to be loaded by `nft -f`.

    `numbers` has one of `NUMBERS` for each filtered port, `zones` one of `ZONES` for each network; `legs` are
    trusted links in the fabric that are no ports.
    """
    ports = sorted((port for port in snapshot.ports if port.up), key=lambda port: port.id)
    filtered = [port for port in ports if port.filtered]
    free = [*sorted(legs), *(tap(port.id) for port in ports if not port.filtered)]
    return "\n".join(
        [
            "table bridge terp",
            "delete table bridge terp",
            "table inet terp",
            "delete table inet terp",
            "table bridge terp {",
            *_bridge(filtered, numbers, free),
            "}",
            "table inet terp {",
            *_inet(snapshot, filtered, numbers, zones),
            "}",
            "",
        ]
    )


@lru_cache(maxsize=4096)
def sources(port: Port) -> dict[str, list[Prefix]]:
    """Addresses that a port may send from, by MAC address: its own, those of its pairs, link-local ones."""
    allowed: dict[str, list[Prefix]] = {port.mac: [ip_network(each.address) for each in port.addresses]}
    for pair in port.pairs:
        allowed.setdefault(pair.mac.lower(), []).append(ip_network(pair.cidr, strict=False))
    for mac, prefixes in allowed.items():
        prefixes.append(ip_network(link_local(mac)))
    return {mac: collapsed(prefixes) for mac, prefixes in sorted(allowed.items())}


def collapsed(prefixes: Iterable[Prefix]) -> list[Prefix]:
    """The same addresses as disjoint prefixes, in order (sets of the kernel refuse overlaps)."""
    every = list(prefixes)
    return [
        *collapse_addresses(each for each in every if isinstance(each, IPv4Network)),
        *collapse_addresses(each for each in every if isinstance(each, IPv6Network)),
    ]


def link_local(mac: str) -> str:
    """The IPv6 address that an interface gives itself (RFC 4291, appendix A)."""
    octets = bytearray.fromhex(mac.replace(":", ""))
    octets[0] ^= 2
    return str(IPv6Address(LINK_LOCAL | int.from_bytes(octets[:3] + b"\xff\xfe" + octets[3:], "big")))


def _bridge(filtered: Sequence[Port], marks: Mapping[str, int], free: Sequence[str]) -> list[str]:
    taps = dict.fromkeys(free, FREE) | {tap(port.id): marks[port.id] for port in filtered}
    allowed = {port.id: sources(port) for port in filtered}
    macs = [(port, mac) for port in filtered for mac in allowed[port.id]]
    bound = [(port, mac, prefix) for port, mac in macs for prefix in allowed[port.id][mac]]

    def bindings(version: int) -> list[str]:
        return [
            f"{marks[port.id]:#x} . {mac} . {prefix}"
            for port, mac, prefix in bound
            if prefix.version == version
        ]

    return [
        *_set("taps", "map", "ifname : mark", [f'"{name}" : {mark:#x}' for name, mark in taps.items()]),
        *_set("free", "set", "ifname", [f'"{name}"' for name in free]),
        *_set("filtered", "set", "ifname", [f'"{tap(port.id)}"' for port in filtered]),
        *_set("senders", "set", "mark . ether_addr", [f"{marks[port.id]:#x} . {mac}" for port, mac in macs]),
        *_set("receivers", "set", "ifname . ether_addr", [f'"{tap(port.id)}" . {mac}' for port, mac in macs]),
        *_set("sources4", "set", "mark . ether_addr . ipv4_addr", bindings(4), "flags interval"),
        *_set("sources6", "set", "mark . ether_addr . ipv6_addr", bindings(6), "flags interval"),
        "chain sending {",
        "type filter hook prerouting priority -200; policy drop;",
        "meta mark set iifname map @taps",
        "meta mark 0 drop",
        f"meta mark {FREE} accept",
        "meta mark . ether saddr != @senders drop",
        "ether type != { ip, arp, ip6 } drop",  # nor VLAN tags, which would hide the rest
        "ether type arp jump arp_sender",
        "ether type arp drop",
        "meta mark . ether saddr . ip saddr @sources4 accept",
        "meta mark . ether saddr . ip6 saddr @sources6 accept",
        "ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept",  # asks for an address
        "ip6 saddr :: icmpv6 type { nd-neighbor-solicit, mld-listener-report, mld2-listener-report } accept",
        "}",
        "chain arp_sender {",
        "arp htype != 1 drop",
        "arp ptype != ip drop",
        "arp hlen != 6 drop",
        "arp plen != 4 drop",
        "meta mark . arp saddr ether . arp saddr ip @sources4 accept",
        "arp saddr ip 0.0.0.0 meta mark . arp saddr ether @senders accept",  # a probe (RFC 5227)
        "}",
        "chain passing {",
        "type filter hook forward priority -200; policy drop;",
        "oifname @free accept",
        "oifname != @filtered drop",
        "ether type != { ip, arp, ip6 } drop",
        "oifname . ether daddr @receivers accept",
        "ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 accept",
        "}",
        "chain received {",
        "type filter hook postrouting priority 0; policy accept;",
        "meta mark set 0",
        "meta mark set oifname map @taps",
        "}",
        "chain local {",
        "type filter hook input priority -200; policy drop;",
        "}",
    ]


def _inet(
    snapshot: Snapshot, filtered: Sequence[Port], marks: Mapping[str, int], zones: Mapping[str, int]
) -> list[str]:
    stateful = {group.id: group.stateful for group in snapshot.groups}
    combinations = {port.id: tuple(sorted(port.groups)) for port in filtered}
    used = sorted({group for groups in combinations.values() for group in groups})
    rules: dict[tuple[str, str], set[str]] = {}
    members, addresses = set(), set()
    for rule in snapshot.rules:
        if rule.group in used:
            rules.setdefault((rule.group, rule.direction), set()).update(match(rule))
            members.add(rule.remote_group)
            addresses.add(rule.remote_addresses)
    lines = [
        *_set(
            "zones",
            "map",
            "iifname : ct zone",
            [
                f'"{bridge(name)}" : {zones[name]}'
                for name in sorted(network.id for network in snapshot.networks)
            ],
        ),
        *_targets(filtered, marks),
    ]
    for group in sorted(filter(None, members)):
        lines += _addresses(members_of(group), _members(snapshot, group))
    for group in sorted(filter(None, addresses)):
        lines += _addresses(addresses_of(group), _listed(snapshot, group))
    for direction in ("ingress", "egress"):
        for group in used:
            lines += [f"chain {direction}-{group} {{", *sorted(rules.get((group, direction), ())), "}"]
        for groups in sorted(set(combinations.values())):
            lines += _combination(direction, groups, all(stateful.get(group, True) for group in groups))
        verdicts = [
            f"{marks[port.id]:#x} : goto {_combined(direction, combinations[port.id])}" for port in filtered
        ]
        lines += _set(f"{direction}_of", "map", "mark : verdict", verdicts)
    return [*lines, *CONNECTIONS.strip().splitlines()]


CONNECTIONS = f"""
chain zoned {{
type filter hook prerouting priority -450; policy accept;
ct zone set iifname map @zones
}}
chain known {{
ct state related accept
ct direction reply ct state established ct mark != {CUT} accept
ct state invalid drop
}}
chain leaving {{
type filter hook forward priority 0; policy drop;
meta mark 0 drop
meta mark {FREE} accept
icmpv6 type {{ nd-router-advert, nd-redirect }} drop
icmpv6 type nd-neighbor-advert meta mark . @th,64,128 != @targets drop
icmpv6 type {{ 130, 131, 132, nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, 143 }} accept
udp sport 67 udp dport 68 drop
udp sport 547 udp dport 546 drop
udp sport 68 udp dport 67 accept
udp sport 546 udp dport 547 accept
meta mark vmap @egress_of
}}
chain arriving {{
type filter hook postrouting priority 0; policy drop;
meta mark 0 drop
meta mark {FREE} accept
icmpv6 type {{ 130, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect }} accept
udp sport 67 udp dport 68 accept
udp sport 547 udp dport 546 accept
meta mark vmap @ingress_of
}}
chain allowed {{
type filter hook postrouting priority 10; policy accept;
ct direction original ct mark {CUT} ct mark set 0
}}
"""
"""Defragmentation has priority -400, so the zone is set before it: fragments of two tenants never meet.

Every packet of a connection's original direction passes the rules again, so that removing a rule ends the
connections that it had allowed, as with Neutron's own drivers.
"""


def _combination(direction: str, groups: Sequence[str], stateful: bool) -> list[str]:
    return [
        f"chain {_combined(direction, groups)} {{",
        *(["jump known"] if stateful else []),
        *(f"jump {direction}-{group}" for group in groups),
        *([f"ct state established ct mark set {CUT}"] if stateful else []),
        "drop",
        "}",
    ]


def _combined(direction: str, groups: Sequence[str]) -> str:
    return f"{direction}_{hashlib.sha256(' '.join(groups).encode()).hexdigest()[:16]}"


def members_of(group: str) -> str:
    """Name of the set with the addresses of a security group's ports, less the digit of the IP version."""
    return f"members-{group}-"


def addresses_of(group: str) -> str:
    """Name of the set with the addresses of an address group, less the digit of the IP version."""
    return f"addresses-{group}-"


def match(rule: Rule) -> list[str]:
    """A rule of nftables that accepts what a security group rule allows; none when that is nothing."""
    version = 4 if rule.ethertype == "IPv4" else 6
    family, side = ("ip", "ip6")[version == 6], ("saddr" if rule.direction == "ingress" else "daddr")
    words = [f"meta nfproto ipv{version}"]
    if rule.prefix is not None:
        prefix = ip_network(rule.prefix, strict=False)
        if prefix.version != version:
            return []
        if prefix.prefixlen:
            words.append(f"{family} {side} {prefix}")
    if rule.remote_group is not None:
        words.append(f"{family} {side} @{members_of(rule.remote_group)}{version}")
    if rule.remote_addresses is not None:
        words.append(f"{family} {side} @{addresses_of(rule.remote_addresses)}{version}")
    number = protocol_number(rule.protocol)
    if number is None:
        return []
    return [" ".join([*words, *_protocol(rule, number, version), "accept"])]


def _protocol(rule: Rule, number: int, version: int) -> list[str]:
    if number == 0:
        return []
    if version == 6 and number == ICMP:
        number = ICMPV6  # Neutron takes the older name for both
    words = [f"meta l4proto {number}"]
    if number in (ICMP, ICMPV6) and rule.low is not None:
        # Read as bytes: `icmp type` would bring a test of the protocol that fits one family only.
        words.append(f"@th,0,8 {rule.low}")
        if rule.high is not None:
            words.append(f"@th,8,8 {rule.high}")
    elif number in WITH_PORTS and rule.low is not None and rule.high is not None:
        span = str(rule.low) if rule.low == rule.high else f"{rule.low}-{rule.high}"
        words.append(f"th dport {span}")
    return words


def protocol_number(protocol: str | None) -> int | None:
    """The IANA number of a protocol as Neutron stores it: a name, a number in text, or None for all (0).

    None when there is no such protocol: then a rule allows nothing.
    """
    if protocol is None:
        return 0
    if protocol.isdecimal():
        return int(protocol) if int(protocol) < 256 else None
    return PROTOCOLS.get(protocol.lower())


def _members(snapshot: Snapshot, group: str) -> list[Prefix]:
    own = [each.address for port in snapshot.ports if group in port.groups for each in port.addresses]
    pairs = [pair.cidr for port in snapshot.ports if group in port.groups for pair in port.pairs]
    return [ip_network(text, strict=False) for text in own + pairs]


def _listed(snapshot: Snapshot, group: str) -> list[Prefix]:
    found = [each for each in snapshot.address_groups if each.id == group]
    return [ip_network(text, strict=False) for each in found for text in each.addresses]


def _addresses(name: str, prefixes: Iterable[Prefix]) -> list[str]:
    every = collapsed(prefixes)
    return [
        line
        for version in (4, 6)
        for line in _set(
            f"{name}{version}",
            "set",
            f"ipv{version}_addr",
            [str(prefix) for prefix in every if prefix.version == version],
            "flags interval",
        )
    ]


def _targets(filtered: Sequence[Port], marks: Mapping[str, int]) -> list[str]:
    """Addresses that a port may say are its own in neighbour discovery."""
    spans = {
        (marks[port.id], prefix)
        for port in filtered
        for prefix in collapsed(prefix for own in sources(port).values() for prefix in own)
        if isinstance(prefix, IPv6Network)
    }
    elements = [
        f"{mark:#x} . {int(prefix[0]):#034x}"
        + (f"-{int(prefix[-1]):#034x}" if prefix.num_addresses > 1 else "")
        for mark, prefix in sorted(spans)
    ]
    return _set("targets", "set", "meta mark . @th,64,128", elements, "flags interval", typeof=True)


def _set(
    name: str, kind: str, key: str, elements: Sequence[str], flags: str = "", *, typeof: bool = False
) -> list[str]:
    derived = typeof or key == "iifname : ct zone"
    lines = [f"{kind} {name} {{", f"{'typeof' if derived else 'type'} {key}", flags]
    if elements:
        lines.append(f"elements = {{ {', '.join(elements)} }}")
    return [line for line in [*lines, "}"] if line]
