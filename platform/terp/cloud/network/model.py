"""What Neutron says: one consistent reading of its database, in Neutron's own words.

Addresses are text as Neutron writes them (`10.0.0.5`, `fd00::5`, `10.0.0.0/24`), MAC addresses are in lower
case with colons, ids are UUIDs.
"""

from typing import Literal

from pydantic import Field

from terp.model import Model

ROUTER_GATEWAY = "network:router_gateway"
ROUTER_INTERFACES = (
    "network:router_interface",
    "network:ha_router_replicated_interface",
    "network:router_interface_distributed",
)
NETWORK_OWNERS = "network:"
"""How the owner of a port begins that belongs to the network itself, which Neutron trusts."""


class Network(Model):
    """A layer 2 network."""

    id: str
    mtu: int = Field(description="bytes of an IP packet")
    external: bool = False


class Subnet(Model):
    """Addresses of a network."""

    id: str
    network: str
    cidr: str
    gateway: str | None = None


class FixedAddress(Model):
    """An address that Neutron gave to a port."""

    address: str
    subnet: str


class AddressPair(Model):
    """Addresses that a port may use beside its own."""

    mac: str
    cidr: str = Field(description="address or CIDR")


class Port(Model):
    """Where something is plugged in."""

    id: str
    network: str
    mac: str
    device: str = Field("", description="id of the server or router")
    owner: str = Field(
        "", description="kind of device", examples=["compute:nova", "network:router_interface"]
    )
    up: bool = Field(True, description="admin_state_up")
    secured: bool = Field(True, description="port_security_enabled")
    addresses: tuple[FixedAddress, ...] = ()
    pairs: tuple[AddressPair, ...] = ()
    groups: tuple[str, ...] = ()
    name: str = Field("", description="host name of the server (dns_name)")

    @property
    def filtered(self) -> bool:
        """Security groups and the check of its source addresses apply to it."""
        return self.secured and not self.owner.startswith(NETWORK_OWNERS)


class Rule(Model):
    """A security group rule; it allows, nothing denies."""

    group: str
    direction: Literal["ingress", "egress"]
    ethertype: Literal["IPv4", "IPv6"]
    protocol: str | None = Field(None, description="name or number; all when None")
    low: int | None = Field(None, description="first port, or ICMP type")
    high: int | None = Field(None, description="last port, or ICMP code")
    prefix: str | None = Field(None, description="CIDR of the other side")
    remote_group: str | None = Field(None, description="security group of the other side")
    remote_addresses: str | None = Field(None, description="address group of the other side")


class SecurityGroup(Model):
    """Ports with the same rules."""

    id: str
    stateful: bool = True


class AddressGroup(Model):
    """Addresses that rules refer to by name."""

    id: str
    addresses: tuple[str, ...] = ()


class Route(Model):
    """A static route of a router."""

    destination: str
    nexthop: str


class Router(Model):
    """Joins networks; its ports are those whose device it is."""

    id: str
    up: bool = True
    snat: bool = Field(True, description="servers without a floating IP share the gateway's address")
    routes: tuple[Route, ...] = ()


class FloatingIP(Model):
    """An external address that stands for a server's address. Only associated ones are in a snapshot."""

    address: str
    fixed_address: str
    router: str


class Snapshot(Model):
    """Everything that the data plane follows, at one moment."""

    networks: tuple[Network, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    ports: tuple[Port, ...] = ()
    groups: tuple[SecurityGroup, ...] = ()
    rules: tuple[Rule, ...] = ()
    address_groups: tuple[AddressGroup, ...] = ()
    routers: tuple[Router, ...] = ()
    floating_ips: tuple[FloatingIP, ...] = ()
