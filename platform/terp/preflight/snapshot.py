"""What a cloud says of itself at one moment, as far as preflight looks: values without any connection.

What could not be read, or was not asked for, is None; why it could not stands in `failures`.
"""

from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from terp.model import Model


class Failure(Model):
    """Something of a service that could not be read. `forbidden`: the credential has no right to it."""

    service: str
    what: str
    reason: str
    forbidden: bool = False


class ApplicationCredential(Model):
    """What Keystone knows of the credential in use."""

    name: str
    unrestricted: bool
    expires: datetime | None


class Access(Model):
    """What authentication gave; `services` are those of the catalogue that were asked for."""

    project_id: str
    roles: frozenset[str]
    services: frozenset[str]


class Flavor(Model):
    """A Nova flavor: RAM in MiB, disk in GiB, 0 for none of its own."""

    id: str
    name: str
    vcpus: int
    ram: int
    disk: int
    disabled: bool = False


class Image(Model):
    """A Glance image: the least RAM (MiB) and disk (GiB) that it wants, and the distribution it tells of."""

    id: str
    name: str
    status: str = "active"
    min_disk: int = 0
    min_ram: int = 0
    os_distro: str | None = None


class Zone(Model):
    """An availability zone."""

    name: str
    available: bool = True


class Marked(Model):
    """Something with a name that is the project's own (`mine`), perhaps marked as a stack's."""

    id: str
    name: str
    stack: str | None = None
    mine: bool = True


class Network(Marked):
    """A network that the project sees; the MTU in bytes."""

    external: bool = False
    mtu: int | None = None
    port_security: bool | None = None


class Subnet(Marked):
    """A subnet that the project sees."""

    network_id: str
    cidr: IPv4Network | IPv6Network
    gateway: IPv4Address | IPv6Address | None = None
    dhcp: bool = True


class Router(Marked):
    """A router that the project sees, and the network of its gateway."""

    external_network_id: str | None = None


class Port(Marked):
    """A port of the project; `owner` as in Neutron's `device_owner`."""

    network_id: str
    owner: str = ""
    device_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class FloatingIp(Model):
    """A floating IP of the project; `port_id` when it is in use."""

    address: IPv4Address
    network_id: str
    port_id: str | None = None
    stack: str | None = None


class Quota(Model):
    """How many the project may have (-1: any number) and has, those being made included."""

    limit: int
    used: int


class Snapshot(Model):
    """Everything that was read of one cloud, `at` that moment."""

    at: datetime
    failures: tuple[Failure, ...] = ()
    access: Access | None = None
    application_credential: ApplicationCredential | None = None
    """None also with a password."""
    extensions: frozenset[str] | None = None
    flavors: tuple[Flavor, ...] | None = None
    images: tuple[Image, ...] | None = None
    """Newest first."""
    compute_zones: tuple[Zone, ...] | None = None
    computes: Mapping[str, int] | None = None
    """How many can take servers, by zone; None where only administrators may list them (Nova's default)."""
    volume_zones: tuple[Zone, ...] | None = None
    volume_types: frozenset[str] | None = None
    default_volume_type: str | None = None
    keypairs: frozenset[str] | None = None
    servers: tuple[Marked, ...] | None = None
    server_groups: tuple[Marked, ...] | None = None
    volumes: tuple[Marked, ...] | None = None
    networks: tuple[Network, ...] | None = None
    free_addresses: Mapping[str, int] | None = None
    """By network id, of the networks that it may be read of."""
    subnets: tuple[Subnet, ...] | None = None
    routers: tuple[Router, ...] | None = None
    ports: tuple[Port, ...] | None = None
    security_groups: tuple[Marked, ...] | None = None
    floating_ips: tuple[FloatingIp, ...] | None = None
    load_balancers: tuple[Marked, ...] | None = None
    load_balancer_providers: frozenset[str] | None = None
    dns_zones: frozenset[str] | None = None
    quotas: Mapping[str, Quota] = {}
    """By the names of `demand.RESOURCES`; of volumes per type too, as Cinder says it: `gigabytes_fast`."""
    largest_volume: int = -1
    """GiB that one volume may have; -1: any."""
