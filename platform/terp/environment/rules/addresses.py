"""Fixed addresses and reserved floating IPs: in the right network, and no two the same."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from terp.environment.environment import Environment
from terp.environment.findings import Finding, Key, dotted
from terp.environment.rules.parts import parts
from terp.environment.rules.ranges import ranges


class Fixed(NamedTuple):
    """An address as a number (a range may run over the last one), what has it, and the key that says so."""

    key: Key
    address: int
    what: str


def fixed_addresses(environment: Environment) -> Iterator[Fixed]:
    """Every address that the file gives in the nodes' subnet."""
    for part in parts(environment):
        group = part.group
        for number in range(group.count):
            override = group.overrides.get(number)
            what = f"{part.name}-{number}"
            if override and override.address:
                yield Fixed((*part.key, "overrides", str(number), "address"), int(override.address), what)
            elif group.first_address:
                yield Fixed((*part.key, "first_address"), int(group.first_address) + number, what)
    access = environment.access
    if access.bastion and access.bastion.address:
        yield Fixed(("access", "bastion", "address"), int(access.bastion.address), "bastion")
    if access.api.virtual_ip:
        yield Fixed(("access", "api", "virtual_ip"), int(access.api.virtual_ip), "the API")


def addresses_are_in_the_subnet(environment: Environment) -> Iterator[Finding]:
    """Neither beyond it nor its network, gateway (the first, unless it exists) or broadcast address."""
    cidr = environment.network.nodes
    blamed: set[Key] = set()
    for fixed in fixed_addresses(environment):
        wrong = _wrong(fixed.address, cidr, made=not environment.network.existing)
        if wrong and fixed.key not in blamed:
            blamed.add(fixed.key)
            first, last = int(cidr.network_address) + 2, int(cidr.broadcast_address) - 1
            room = f"from {IPv4Address(first)} to {IPv4Address(last)}" if first <= last else ""
            yield Finding(
                key=fixed.key,
                message=f"{_text(fixed.address)} of {fixed.what} is {wrong}",
                other=("network", "nodes"),
                value=str(cidr),
                suggestion=room,
            )


def _wrong(address: int, cidr: IPv4Network, *, made: bool) -> str:
    first, last = int(cidr.network_address), int(cidr.broadcast_address)
    if not first <= address <= last:
        return "not in"
    if address == first:
        return "the network itself, the first address of"
    if address == last:
        return "the broadcast address of"
    return "the gateway, the first host of" if made and address == first + 1 else ""


def _text(address: int) -> str:
    return str(IPv4Address(address)) if address < 1 << 32 else "an address after 255.255.255.255"


def no_two_servers_have_one_address(environment: Environment) -> Iterator[Finding]:
    """Ranges of groups, addresses of single nodes, the bastion, the API's virtual IP."""
    seen: dict[int, Fixed] = {}
    blamed: set[tuple[Key, Key]] = set()
    for fixed in fixed_addresses(environment):
        other = seen.setdefault(fixed.address, fixed)
        if other is fixed or (fixed.key, other.key) in blamed:
            continue
        blamed.add((fixed.key, other.key))
        yield Finding(
            key=fixed.key,
            message=f"{_text(fixed.address)} of {fixed.what} is that of {other.what} already, by",
            other=other.key,
            suggestion=_next(environment, seen),
        )


def _next(environment: Environment, seen: dict[int, Fixed]) -> str:
    taken = {*seen, *(fixed.address for fixed in fixed_addresses(environment))}
    cidr = environment.network.nodes
    candidate = max((each for each in taken if each < int(cidr.broadcast_address)), default=0) + 1
    return f"free from {IPv4Address(candidate)}" if _wrong(candidate, cidr, made=True) == "" else ""


def reserved_floating_ips(environment: Environment) -> Iterator[tuple[Key, IPv4Address]]:
    """Every floating IP that the file names."""
    for part in parts(environment):
        for number, override in sorted(part.group.overrides.items()):
            if isinstance(override.floating_ip, IPv4Address):
                yield (*part.key, "overrides", str(number), "floating_ip"), override.floating_ip
    access = environment.access
    if access.bastion and isinstance(access.bastion.floating_ip, IPv4Address):
        yield ("access", "bastion", "floating_ip"), access.bastion.floating_ip
    if isinstance(access.api.floating_ip, IPv4Address):
        yield ("access", "api", "floating_ip"), access.api.floating_ip


def a_floating_ip_is_used_once(environment: Environment) -> Iterator[Finding]:
    """It leads to one port."""
    seen: dict[IPv4Address, Key] = {}
    for key, address in reserved_floating_ips(environment):
        other = seen.setdefault(address, key)
        if other != key:
            yield Finding(
                key=key,
                message=f"{address} is used already, by",
                other=other,
                suggestion='another reserved one, or "new"',
            )


def floating_ips_are_of_the_outside(environment: Environment) -> Iterator[Finding]:
    """They come from the external network, so from none of the environment's own ranges."""
    inner = [each for each in ranges(environment) if each.rank > 0]
    for key, address in reserved_floating_ips(environment):
        for each in inner:
            if address in each.cidr:
                yield Finding(
                    key=key,
                    message=f"{address} is no floating IP of {environment.cloud.external_network}: it is in",
                    other=each.key,
                    value=str(each.cidr),
                    suggestion="see: openstack floating ip list",
                )


def a_port_has_one_floating_ip(environment: Environment) -> Iterator[Finding]:
    """The API's one goes to the first control-plane node when that is the endpoint."""
    api, control_plane = environment.access.api, environment.nodes.control_plane
    override = control_plane.overrides.get(0)
    own = (override and override.floating_ip) or control_plane.floating_ip
    if api.endpoint == "node" and api.floating_ip != "none" and own != "none":
        key: Key = ("nodes", "control_plane", "floating_ip")
        if override and override.floating_ip:
            key = ("nodes", "control_plane", "overrides", "0", "floating_ip")
        yield Finding(
            key=("access", "api", "floating_ip"),
            message="the control-plane node is the endpoint, and has a floating IP of its own, by",
            other=key,
            value=str(own),
            suggestion=f'one of the two: leave out access.api.floating_ip, or set {dotted(key)} to "none"',
        )


ADDRESSES = (
    addresses_are_in_the_subnet,
    no_two_servers_have_one_address,
    a_floating_ip_is_used_once,
    floating_ips_are_of_the_outside,
    a_port_has_one_floating_ip,
)
