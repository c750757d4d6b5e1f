"""A small cloud for golden tests, and strategies that make any cloud."""

from hypothesis import strategies as st

from terp.cloud.network.model import (
    ROUTER_GATEWAY,
    AddressGroup,
    AddressPair,
    FixedAddress,
    FloatingIP,
    Network,
    Port,
    Route,
    Router,
    Rule,
    SecurityGroup,
    Snapshot,
    Subnet,
)

EXTERNAL = "203.0.113.0/24"


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


NET, OUTER, SUB4, SUB6, SUB_OUTER, GROUP, OTHER, LISTED, ROUTER = (uuid(number) for number in range(1, 10))
SERVER, PEER, FREE, INNER4, INNER6, GATEWAY = (uuid(number) for number in range(20, 26))


def fixed(subnet: str, *addresses: str) -> tuple[FixedAddress, ...]:
    return tuple(FixedAddress(address=address, subnet=subnet) for address in addresses)


SMALL = Snapshot(
    networks=(Network(id=NET, mtu=1442), Network(id=OUTER, mtu=1500, external=True)),
    subnets=(
        Subnet(id=SUB4, network=NET, cidr="10.0.0.0/24", gateway="10.0.0.1"),
        Subnet(id=SUB6, network=NET, cidr="fd00::/64", gateway="fd00::1"),
        Subnet(id=SUB_OUTER, network=OUTER, cidr=EXTERNAL, gateway="203.0.113.1"),
    ),
    ports=(
        Port(
            id=SERVER,
            network=NET,
            mac="fa:16:3e:00:00:05",
            device=uuid(90),
            owner="compute:nova",
            addresses=(*fixed(SUB4, "10.0.0.5"), *fixed(SUB6, "fd00::5")),
            pairs=(
                AddressPair(mac="fa:16:3e:00:00:05", cidr="10.233.0.0/16"),
                AddressPair(mac="00:00:5e:00:01:01", cidr="10.0.0.100"),
            ),
            groups=(GROUP, OTHER),
            name="alpha",
        ),
        Port(
            id=PEER,
            network=NET,
            mac="fa:16:3e:00:00:06",
            device=uuid(91),
            owner="Octavia",
            addresses=fixed(SUB4, "10.0.0.6"),
            groups=(GROUP,),
            name="Beta.",
        ),
        Port(id=FREE, network=NET, mac="fa:16:3e:00:00:07", secured=False, addresses=fixed(SUB4, "10.0.0.7")),
        Port(
            id=INNER4,
            network=NET,
            mac="fa:16:3e:00:00:01",
            device=ROUTER,
            owner="network:router_interface",
            addresses=fixed(SUB4, "10.0.0.1"),
        ),
        Port(
            id=INNER6,
            network=NET,
            mac="fa:16:3e:00:00:02",
            device=ROUTER,
            owner="network:router_interface",
            addresses=fixed(SUB6, "fd00::1"),
        ),
        Port(
            id=GATEWAY,
            network=OUTER,
            mac="fa:16:3e:00:00:03",
            device=ROUTER,
            owner=ROUTER_GATEWAY,
            addresses=fixed(SUB_OUTER, "203.0.113.10"),
        ),
    ),
    groups=(SecurityGroup(id=GROUP), SecurityGroup(id=OTHER)),
    rules=(
        Rule(group=GROUP, direction="egress", ethertype="IPv4"),
        Rule(group=GROUP, direction="egress", ethertype="IPv6"),
        Rule(group=GROUP, direction="ingress", ethertype="IPv4", remote_group=GROUP),
        Rule(group=GROUP, direction="ingress", ethertype="IPv4", protocol="icmp", low=8, high=0),
        Rule(
            group=OTHER,
            direction="ingress",
            ethertype="IPv4",
            protocol="tcp",
            low=22,
            high=22,
            prefix="0.0.0.0/0",
        ),
        Rule(
            group=OTHER,
            direction="ingress",
            ethertype="IPv4",
            protocol="udp",
            low=1,
            high=9,
            prefix="192.0.2.9/24",
        ),
        Rule(group=OTHER, direction="ingress", ethertype="IPv6", protocol="icmp", remote_addresses=LISTED),
    ),
    address_groups=(AddressGroup(id=LISTED, addresses=("fd99::/64", "192.0.2.1/32")),),
    routers=(Router(id=ROUTER, routes=(Route(destination="10.99.0.0/16", nexthop="10.0.0.5"),)),),
    floating_ips=(FloatingIP(address="203.0.113.20", fixed_address="10.0.0.5", router=ROUTER),),
)

NAMES = (
    "any",
    "icmp",
    "icmpv6",
    "ipv6-icmp",
    "tcp",
    "udp",
    "sctp",
    "dccp",
    "udplite",
    "gre",
    "esp",
    "ah",
    "igmp",
)
MORE = (
    "ipv6-encap",
    "ipv6-frag",
    "ipv6-nonxt",
    "ipv6-opts",
    "ipv6-route",
    "ospf",
    "pgm",
    "rsvp",
    "vrrp",
    "egp",
    "ipip",
)
protocols = st.none() | st.sampled_from(NAMES + MORE) | st.integers(0, 255).map(str)
prefixes4 = st.builds(
    lambda octets, length: f"{'.'.join(map(str, octets))}/{length}",
    st.tuples(*[st.integers(0, 255)] * 4),
    st.integers(0, 32),
)
prefixes6 = st.builds(
    lambda parts, length: f"{':'.join(f'{part:x}' for part in parts)}/{length}",
    st.tuples(*[st.integers(0, 65535)] * 8),
    st.integers(0, 128),
)
prefixes = prefixes4 | prefixes6
macs = st.builds(
    lambda octets: ":".join(f"{octet:02x}" for octet in (2, *octets)), st.tuples(*[st.integers(0, 3)] * 5)
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any rule that Neutron would store."""
    protocol = draw(protocols)
    numbers = draw(st.none() | st.tuples(st.integers(0, 255), st.none() | st.integers(0, 255)))
    if protocol in ("tcp", "udp", "sctp", "dccp", "udplite", "6", "17", "33", "132", "136"):
        numbers = draw(
            st.none() | st.tuples(st.integers(1, 65535), st.integers(1, 65535)).map(sorted).map(tuple)
        )
    elif protocol not in ("icmp", "icmpv6", "ipv6-icmp", "1", "58"):
        numbers = None
    far = draw(st.sampled_from(["none", "prefix", "group", "addresses"]))
    return Rule(
        group=draw(st.sampled_from([GROUP, OTHER])),
        direction=draw(st.sampled_from(["ingress", "egress"])),
        ethertype=draw(st.sampled_from(["IPv4", "IPv6"])),
        protocol=protocol,
        low=numbers[0] if numbers else None,
        high=numbers[1] if numbers else None,
        prefix=draw(prefixes) if far == "prefix" else None,
        remote_group=draw(st.sampled_from([GROUP, OTHER])) if far == "group" else None,
        remote_addresses=LISTED if far == "addresses" else None,
    )


pairs = st.builds(AddressPair, mac=macs, cidr=prefixes)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Ports with any address pairs and groups, and any rules."""
    ports = tuple(
        Port(
            id=uuid(100 + number),
            network=NET,
            mac=f"fa:16:3e:00:01:{number:02x}",
            addresses=fixed(SUB4, f"10.0.0.{10 + number}") + fixed(SUB6, f"fd00::{10 + number}"),
            pairs=tuple(draw(st.lists(pairs, max_size=4))),
            groups=tuple(draw(st.lists(st.sampled_from([GROUP, OTHER]), unique=True))),
            secured=draw(st.booleans()),
            up=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 4)))
    )
    return SMALL.model_copy(
        update={
            "ports": ports,
            "rules": tuple(draw(st.lists(rules(), max_size=6))),
            "groups": (SecurityGroup(id=GROUP), SecurityGroup(id=OTHER, stateful=draw(st.booleans()))),
            "address_groups": (
                AddressGroup(id=LISTED, addresses=tuple(draw(st.lists(prefixes, max_size=4)))),
            ),
        }
    )
