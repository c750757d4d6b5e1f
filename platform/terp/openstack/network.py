"""Networks, subnets and the router of an environment, made or as they are."""

from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_openstack as openstack
from pulumi import Input, InvokeOptions, ResourceOptions

from terp.environment import Environment
from terp.environment.fields import Cidr
from terp.environment.network import AdditionalNetwork, ExistingNetwork
from terp.environment.network import Network as Wanted
from terp.openstack.addresses import allocation_pools, fixed_addresses
from terp.openstack.marks import Marks
from terp.openstack.provider import id_or_name

ROLE = "network"


@dataclass(frozen=True)
class Attachment:
    """Where a port goes: a network, and the subnets that it has an address in."""

    network_id: Input[str]
    subnet_id: Input[str]
    subnet_ipv6_id: Input[str] | None = None
    port_security: bool = True


class Network(pulumi.ComponentResource):
    """The nodes' network with its way out, and the additional networks.

    `nodes` and `additional` say where ports go. `routed` is what must exist before a floating IP can work.
    """

    def __init__(self, stack: str, environment: Environment, opts: ResourceOptions | None = None) -> None:
        super().__init__("terp:openstack:Network", "network", {}, opts)
        self._stack = stack
        self._fixed = fixed_addresses(stack, environment)
        self._cloud = environment.cloud
        self._marks = Marks(stack=stack, owner=environment.owner)
        self._options = ResourceOptions(parent=self, protect=environment.protected)
        self._wanted = environment.network
        existing = self._wanted.existing
        self.nodes = self._existing(existing, self._wanted) if existing else self._made()
        self.routed: list[pulumi.Resource] = [] if existing else self._route()
        self.additional = {
            name: self._additional(name, wanted) for name, wanted in sorted(self._wanted.additional.items())
        }
        self.register_outputs({})

    def _made(self) -> Attachment:
        wanted = self._wanted
        network = openstack.networking.Network(
            "nodes",
            name=f"{self._stack}-nodes",
            description=self._marks.description,
            mtu=wanted.mtu,
            port_security_enabled=None if wanted.port_security else False,
            dns_domain=_with_dot(wanted.dns_domain),
            tags=self._marks.tags(ROLE),
            opts=self._options,
        )
        ipv6 = wanted.nodes_ipv6
        return Attachment(
            network.id,
            self._subnet("nodes", network, wanted.nodes, gateway=True).id,
            self._subnet("nodes-ipv6", network, ipv6, gateway=True).id if ipv6 else None,
            port_security=wanted.port_security,
        )

    def _subnet(
        self, name: str, network: openstack.networking.Network, cidr: Cidr, *, gateway: bool
    ) -> openstack.networking.Subnet:
        servers = [str(server) for server in self._wanted.dns_servers if server.version == cidr.version]
        ipv6_mode = "slaac" if cidr.version == 6 else None
        return openstack.networking.Subnet(
            name,
            name=f"{self._stack}-{name}",
            description=self._marks.description,
            network_id=network.id,
            cidr=str(cidr),
            allocation_pools=self._pools(cidr),
            ip_version=cidr.version,
            ipv6_address_mode=ipv6_mode,
            ipv6_ra_mode=ipv6_mode,
            no_gateway=not gateway,
            dns_nameservers=servers if gateway else None,
            tags=self._marks.tags(ROLE),
            opts=self._options,
        )

    def _pools(self, cidr: Cidr) -> list[openstack.networking.SubnetAllocationPoolArgs] | None:
        """What the cloud may choose from, if the environment gives addresses of this subnet away itself."""
        if not isinstance(cidr, IPv4Network) or not any(address in cidr for address in self._fixed):
            return None
        return [
            openstack.networking.SubnetAllocationPoolArgs(start=str(first), end=str(last))
            for first, last in allocation_pools(cidr, self._fixed)
        ]

    def _route(self) -> list[pulumi.Resource]:
        """The interfaces by which the nodes' subnets reach the router."""
        subnets = {"nodes": self.nodes.subnet_id, "nodes-ipv6": self.nodes.subnet_ipv6_id}
        router_id = self._router()
        return [
            openstack.networking.RouterInterface(
                name, router_id=router_id, subnet_id=subnet_id, opts=self._options
            )
            for name, subnet_id in subnets.items()
            if subnet_id is not None
        ]

    def _router(self) -> Input[str]:
        looked_up = InvokeOptions(parent=self)
        if self._wanted.router:
            router_id, name = id_or_name(self._wanted.router)
            return openstack.networking.get_router_output(router_id=router_id, name=name, opts=looked_up).id
        external = openstack.networking.get_network_output(name=self._cloud.external_network, opts=looked_up)
        return openstack.networking.Router(
            "edge",
            name=f"{self._stack}-edge",
            description=self._marks.description,
            external_network_id=external.id,
            tags=self._marks.tags(ROLE),
            opts=self._options,
        ).id

    def _additional(self, name: str, wanted: AdditionalNetwork) -> Attachment:
        if wanted.existing:
            return self._existing(wanted.existing, wanted)
        network = openstack.networking.Network(
            name,
            name=f"{self._stack}-{name}",
            description=self._marks.description,
            mtu=wanted.mtu,
            port_security_enabled=wanted.port_security,
            tags=self._marks.tags(ROLE),
            opts=self._options,
        )
        subnet = self._subnet(name, network, wanted.cidr, gateway=False)
        return Attachment(network.id, subnet.id, port_security=wanted.port_security)

    def _existing(self, existing: ExistingNetwork, wanted: Wanted | AdditionalNetwork) -> Attachment:
        looked_up = InvokeOptions(parent=self)
        network_id, name = id_or_name(existing.network)
        network = openstack.networking.get_network_output(network_id=network_id, name=name, opts=looked_up)

        def subnet(reference: str) -> Input[str]:
            subnet_id, name = id_or_name(reference)
            return openstack.networking.get_subnet_output(
                subnet_id=subnet_id, name=name, network_id=network.id, opts=looked_up
            ).id

        ipv6 = existing.subnet_ipv6
        return Attachment(
            network.id,
            subnet(existing.subnet),
            subnet(ipv6) if ipv6 else None,
            port_security=wanted.port_security,
        )


def _with_dot(domain: str | None) -> str | None:
    """Neutron wants fully qualified names."""
    return f"{domain.rstrip('.')}." if domain else None
