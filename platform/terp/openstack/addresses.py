"""Which addresses of the nodes' subnet are somebody's, and which the cloud may hand out; pure functions."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

from terp.environment import Environment
from terp.openstack.servers import servers

Range = tuple[IPv4Address, IPv4Address]
"""First and last address."""


def fixed_addresses(stack: str, environment: Environment) -> frozenset[IPv4Address]:
    """The addresses that the environment gives to servers and to the API's endpoint."""
    wanted = (environment.access.api.virtual_ip, *(each.address for each in servers(stack, environment)))
    return frozenset(address for address in wanted if address)


def allocation_pools(subnet: IPv4Network, fixed: Iterable[IPv4Address]) -> list[Range]:
    """What is left of a subnet for ports that name no address.

    Neutron chooses by chance: without this a worker may get the address of a control-plane node that comes a
    moment later. The first address is the gateway's (Neutron's default).
    """
    taken = sorted({subnet[0], subnet[1], subnet[-1], *(each for each in fixed if each in subnet)})
    return [(before + 1, after - 1) for before, after in pairwise(taken) if before + 1 < after]
