"""From what Neutron says to the desired state of the kernel: pure, and the same for the same snapshot."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from itertools import chain

from pydantic import Field

from terp.cloud.network.firewall import NUMBERS, ZONES, firewall
from terp.cloud.network.links import tap
from terp.cloud.network.machine import FABRIC_END
from terp.cloud.network.model import Snapshot
from terp.cloud.network.routing import RouterPlan, routers
from terp.model import Model


class BridgePlan(Model):
    """One network's bridge."""

    network: str
    mtu: int
    zone: int


class Plan(Model):
    """The desired state of everything but the servers' own links."""

    bridges: tuple[BridgePlan, ...] = ()
    firewall: str = Field(description="ruleset of the fabric")
    routers: tuple[RouterPlan, ...] = ()
    external: str | None = Field(None, description="network that the machine has its leg in")
    external_addresses: tuple[str, ...] = Field((), description="the machine's, with prefix length")


def plan(
    snapshot: Snapshot, *, numbers: Mapping[str, int], zones: Mapping[str, int], external_cidr: str
) -> Plan:
    """The plan of a snapshot. `numbers` and `zones` as `allocate` gave them to its ports and networks."""
    external, addresses = _external(snapshot, external_cidr)
    every = routers(snapshot)
    own = [tap(link.port) for each in every if each.stands_in for link in each.links]
    return Plan(
        bridges=tuple(
            BridgePlan(network=network.id, mtu=network.mtu, zone=zones[network.id])
            for network in snapshot.networks
        ),
        firewall=firewall(snapshot, numbers, zones, legs=(FABRIC_END, *own)),
        routers=tuple(every),
        external=external,
        external_addresses=addresses,
    )


def allocate(taken: Mapping[str, int], wanted: Iterable[str], span: range) -> dict[str, int]:
    """A number of `span` for each of `wanted`; those that have one keep it, new ones get a higher one.

    Give it also the numbers of those that are gone: they are used again only when the span is exhausted, so
    that neither packets on their way nor tracked connections meet the rules of another port or network.

    Raises:
        ValueError: more are wanted than the span has.
    """
    names = list(wanted)
    kept = {name: taken[name] for name in names if taken.get(name, -1) in span}
    used = set(kept.values())
    highest = max([span.start - 1, *(number for number in taken.values() if number in span)])
    free = chain(range(highest + 1, span.stop), (number for number in span if number not in used))
    for name in names:
        if name not in kept:
            number = next((number for number in free if number not in used), None)
            if number is None:
                raise ValueError(f"no number left for {name} in {span}")
            kept[name] = number
            used.add(number)
    return kept


def numbered(snapshot: Snapshot, taken: Mapping[str, int]) -> dict[str, int]:
    """Marks of the ports that security groups apply to."""
    return allocate(taken, sorted(port.id for port in snapshot.ports if port.filtered), NUMBERS)


def zoned(snapshot: Snapshot, taken: Mapping[str, int]) -> dict[str, int]:
    """Connection tracking zones of the networks."""
    return allocate(taken, sorted(network.id for network in snapshot.networks), ZONES)


def _external(snapshot: Snapshot, cidr: str) -> tuple[str | None, tuple[str, ...]]:
    """The external network with the place's addresses, and the gateways of its other subnets."""
    outside = {network.id for network in snapshot.networks if network.external}
    network = next(
        (each.network for each in snapshot.subnets if each.cidr == cidr and each.network in outside), None
    )
    others = [
        each for each in snapshot.subnets if each.network == network and each.cidr != cidr and each.gateway
    ]
    return network, tuple(sorted(f"{each.gateway}/{ip_network(each.cidr).prefixlen}" for each in others))
