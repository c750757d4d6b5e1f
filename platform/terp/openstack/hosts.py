"""What the OpenStack layer gives to the next one: its hosts, as typed records."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

from terp.environment.nodes import Taint
from terp.model import Model
from terp.openstack.servers import Role


class HostVolume(Model):
    """A volume that is attached to a host."""

    id: str
    mount: str
    filesystem: str


class Host(Model):
    """One host.

    `name` is that of the server, the inventory and the Kubernetes node. `access_address` is where SSH goes:
    the floating IP if there is one, else the address in the nodes' network, which a bastion leads to.
    `host_key` is its public SSH key (`ssh-ed25519 …`) as the cloud's API told it.
    """

    name: str
    server_id: str
    role: Role
    group: str
    number: int
    user: str
    address: IPv4Address
    address_ipv6: IPv6Address | None = None
    floating_ip: IPv4Address | None = None
    additional_addresses: Mapping[str, IPv4Address] = {}
    volumes: Mapping[str, HostVolume] = {}
    labels: Mapping[str, str] = {}
    taints: tuple[Taint, ...] = ()
    inventory_groups: tuple[str, ...] = ()
    host_key: str = ""

    @property
    def access_address(self) -> IPv4Address:
        """Where SSH goes."""
        return self.floating_ip or self.address
