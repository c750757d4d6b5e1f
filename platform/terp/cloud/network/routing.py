"""What a router is in the kernel: a namespace with a link in each of its networks, routes and NAT."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from uuid import UUID, uuid5

from pydantic import Field

from terp.cloud.network.model import (
    ROUTER_GATEWAY,
    ROUTER_INTERFACES,
    FloatingIP,
    Network,
    Port,
    Router,
    Snapshot,
    Subnet,
)
from terp.model import Model

RESOLVER = "169.254.169.253"
"""Where every router answers questions about names."""
DOMAINS = ("cloud.internal", "openstacklocal", "novalocal")
"""Domains in which servers are known: Neutron's `dns_domain`, its default, and the one of Nova's metadata."""


class RouterLink(Model):
    """A link of a router's namespace."""

    port: str
    network: str
    mac: str
    mtu: int
    name: str
    addresses: frozenset[str] = Field(description="with prefix length")


class KernelRoute(Model):
    """One route: where to, through which neighbour (None on the link itself), over which link."""

    destination: str
    nexthop: str | None
    link: str


class RouterPlan(Model):
    """The desired state of one router's namespace."""

    router: str
    links: tuple[RouterLink, ...] = ()
    routes: frozenset[KernelRoute] = frozenset()
    rules: str = Field(description="ruleset for `nft -f`")
    hosts: str = Field(description="names in the form of /etc/hosts")
    stands_in: bool = Field(False, description="no router of Neutron's: only answers questions about names")


def routers(snapshot: Snapshot) -> list[RouterPlan]:
    """The plans of all routers (one that is down has no link), and of what stands in for a missing one."""
    index = _Index(snapshot)
    joined = {port.network for port in snapshot.ports if port.owner in ROUTER_INTERFACES}
    alone = [network for network in snapshot.networks if network.id not in joined and not network.external]
    stand_ins = [_stand_in(network, index) for network in alone]
    return [*(_router(router, index) for router in snapshot.routers), *filter(None, stand_ins)]


def router_namespace(tag: str, router: str) -> str:
    """Name of a router's namespace."""
    return f"{tag}-r-{router[:11]}"


class _Index:
    """A snapshot by id."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.networks: Mapping[str, Network] = {each.id: each for each in snapshot.networks}
        self.subnets: Mapping[str, Subnet] = {each.id: each for each in snapshot.subnets}
        self.by_network: dict[str, list[Port]] = {}
        self.by_device: dict[str, list[Port]] = {}
        self.floating: dict[str, list[FloatingIP]] = {}
        self.subnets_of: dict[str, list[Subnet]] = {}
        for port in sorted(snapshot.ports, key=lambda port: port.id):
            self.by_network.setdefault(port.network, []).append(port)
            self.by_device.setdefault(port.device, []).append(port)
        for floating in sorted(snapshot.floating_ips, key=lambda each: each.address):
            self.floating.setdefault(floating.router, []).append(floating)
        for subnet in snapshot.subnets:
            self.subnets_of.setdefault(subnet.network, []).append(subnet)


def _router(router: Router, index: _Index) -> RouterPlan:
    owned = [port for port in index.by_device.get(router.id, []) if port.up] if router.up else []
    inner = [port for port in owned if port.owner in ROUTER_INTERFACES]
    outer = next((port for port in owned if port.owner == ROUTER_GATEWAY), None)
    floating = index.floating.get(router.id, []) if outer else []
    links = [_link(port, index, "qr-") for port in inner]
    routes: set[KernelRoute] = set()
    if outer:
        out = _link(outer, index, "qg-")
        extra = frozenset(f"{each.address}/32" for each in floating)
        links.append(out.model_copy(update={"addresses": out.addresses | extra}))
        routes |= _outward(outer, out.name, index)
    routes |= _static(router, [*inner, *([outer] if outer else [])], links, index)
    return RouterPlan(
        router=router.id,
        links=tuple(links),
        routes=frozenset(routes),
        rules=_rules(router, outer, floating),
        hosts=hosts(
            port for net in sorted({port.network for port in inner}) for port in index.by_network[net]
        ),
    )


def _stand_in(network: Network, index: _Index) -> RouterPlan | None:
    """Answers questions about names at the gateway's address of a network that no router joins.

    None when no server there has a name, or the address is somebody's.
    """
    ports = index.by_network.get(network.id, [])
    taken = {each.address for port in ports for each in port.addresses}
    taken |= {pair.cidr.partition("/")[0] for port in ports for pair in port.pairs}
    gateways = [
        f"{subnet.gateway}/{ip_network(subnet.cidr).prefixlen}"
        for subnet in index.subnets_of.get(network.id, [])
        if subnet.gateway and ip_network(subnet.cidr).version == 4 and subnet.gateway not in taken
    ]
    names = hosts(ports)
    if not (gateways and names):
        return None
    port = str(uuid5(UUID(network.id), "resolver"))
    link = RouterLink(
        port=port,
        network=network.id,
        mac=f"fa:16:3f:{port[0:2]}:{port[2:4]}:{port[4:6]}",
        mtu=network.mtu,
        name=f"qr-{port[:11]}",
        addresses=frozenset(gateways),
    )
    return RouterPlan(router=port, links=(link,), rules="\n".join([*EMPTY, ""]), hosts=names, stands_in=True)


def _link(port: Port, index: _Index, prefix: str) -> RouterLink:
    lengths = [
        (each.address, ip_network(index.subnets[each.subnet].cidr).prefixlen) for each in port.addresses
    ]
    return RouterLink(
        port=port.id,
        network=port.network,
        mac=port.mac,
        mtu=index.networks[port.network].mtu,
        name=f"{prefix}{port.id[:11]}",
        addresses=frozenset(f"{address}/{length}" for address, length in lengths),
    )


def _outward(port: Port, link: str, index: _Index) -> set[KernelRoute]:
    """Default routes by the gateways of the external subnets it is in; to the others on the link."""
    own = {each.subnet for each in port.addresses}
    routes = set()
    for subnet in index.subnets_of.get(port.network, []):
        version = ip_network(subnet.cidr).version
        if subnet.id not in own:
            routes.add(KernelRoute(destination=subnet.cidr, nexthop=None, link=link))
        elif subnet.gateway:
            everything = "0.0.0.0/0" if version == 4 else "::/0"
            routes.add(KernelRoute(destination=everything, nexthop=subnet.gateway, link=link))
    return routes


def _static(router: Router, ports: list[Port], links: list[RouterLink], index: _Index) -> set[KernelRoute]:
    """The router's own routes, as far as their next hop lies in one of its subnets."""
    spans = [
        (ip_network(index.subnets[each.subnet].cidr), link.name)
        for port, link in zip(ports, links, strict=True)
        for each in port.addresses
    ]
    routes = set()
    for route in router.routes:
        hop = ip_network(route.nexthop)
        for span, link in spans:
            if span.version == hop.version and span.supernet_of(hop):  # type: ignore[arg-type]
                destination = str(ip_network(route.destination, strict=False))
                routes.add(KernelRoute(destination=destination, nexthop=route.nexthop, link=link))
                break
    return routes


def _rules(router: Router, outer: Port | None, floating: list[FloatingIP]) -> str:
    if outer is None:
        return "\n".join([*EMPTY, ""])
    link = f'"qg-{outer.id[:11]}"'
    shared = [each.address for each in outer.addresses if ip_network(each.address).version == 4][:1]
    to_fixed = [f"ip daddr {each.address} dnat to {each.fixed_address}" for each in floating]
    from_fixed = [f"ip saddr {each.fixed_address} snat to {each.address}" for each in floating]
    from_shared = [f"snat to {address}" for address in shared]
    return "\n".join(
        [
            *EMPTY,
            "table ip terp {",
            "chain inbound {",
            "type nat hook prerouting priority -100; policy accept;",
            *to_fixed,
            "}",
            "chain outbound {",
            "type nat hook postrouting priority 100; policy accept;",
            f"oifname {link} jump outward",
            # The answer to a server that asks for a floating IP of its own router must come from there.
            f"iifname != {link} oifname != {link} ct status dnat jump hairpin",
            "}",
            "chain outward {",
            *from_fixed,
            *(from_shared if router.snat else []),
            "}",
            "chain hairpin {",
            *from_fixed,
            *from_shared,
            "}",
            "chain through {",
            "type filter hook forward priority 0; policy accept;",
            *_cut([(each.address, each.fixed_address) for each in floating], shared),
            "}",
            "}",
            "table inet terp {",
            "chain own {",
            "type filter hook input priority 0; policy accept;",
            f"iifname != {link} accept",
            "ct state established,related accept",
            "meta l4proto { icmp, ipv6-icmp } accept",
            "drop",
            "}",
            "}",
            "",
        ]
    )


def _cut(floating: list[tuple[str, str]], shared: list[str]) -> list[str]:
    """End the connections of floating IPs that are gone or lead elsewhere now: their translation lives on."""
    inward = ", ".join(f"{address} . {fixed}" for address, fixed in floating)
    outward = ", ".join(f"{fixed} . {address}" for address, fixed in floating)
    not_shared = "".join(f"ct reply ip daddr != {address} " for address in shared)
    return [
        "ct status dnat "
        + (f"ct original ip daddr . ct reply ip saddr != {{ {inward} }} " if inward else "")
        + "drop",
        f"ct status snat {not_shared}"
        + (f"ct original ip saddr . ct reply ip daddr != {{ {outward} }} " if outward else "")
        + "drop",
    ]


EMPTY = ("table ip terp", "delete table ip terp", "table inet terp", "delete table inet terp")
"""Removes the tables of a router, whether or not it has them."""


def hosts(ports: Iterable[Port]) -> str:
    """Lines of a hosts file for the ports that have a name."""
    lines = []
    for port in ports:
        name = port.name.rstrip(".").lower()
        if name:
            names = " ".join([*(f"{name}.{domain}" for domain in DOMAINS), name])
            lines += [f"{each.address} {names}" for each in port.addresses]
    return "".join(f"{line}\n" for line in sorted(lines))
