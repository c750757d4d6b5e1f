"""The networks of an environment."""

from ipaddress import IPv4Network

from pydantic import Field

from terp.environment.fields import Bytes, Cidr, Cidr4, Cidr6, DomainName, Ipv4, Ipv6, Name, Reference
from terp.model import Model


class ExistingNetwork(Model):
    """A network of the project that is used as it is."""

    network: Reference = Field(title="Network", description="Name or id.", examples=["corporate"])
    subnet: Reference = Field(
        title="Subnet", description="Name or id of its IPv4 subnet.", examples=["corporate-v4"]
    )
    subnet_ipv6: Reference | None = Field(
        None, title="IPv6 subnet", description="Name or id of its IPv6 subnet.", examples=["corporate-v6"]
    )


class AdditionalNetwork(Model):
    """A network beside that of the nodes, for example for storage; it has no gateway."""

    cidr: Cidr4 = Field(title="CIDR", description="IPv4 subnet.", examples=["10.11.0.0/24"])
    existing: ExistingNetwork | None = Field(
        None, title="Existing network", description="Use this network instead of making one."
    )
    mtu: Bytes | None = Field(
        None,
        title="MTU",
        description="Bytes; the cloud's default when absent.",
        examples=[9000],
    )
    port_security: bool = Field(
        True,
        title="Port security",
        description="Whether security groups hold on this network; storage networks are often without.",
        examples=[False],
    )


class PodNetwork(Model):
    """The address ranges inside Kubernetes."""

    pods: Cidr4 = Field(
        IPv4Network("10.233.64.0/18"),
        title="Pods",
        description="IPv4 range of pods.",
        examples=["10.233.64.0/18"],
    )
    services: Cidr4 = Field(
        IPv4Network("10.233.0.0/18"),
        title="Services",
        description="IPv4 range of Services.",
        examples=["10.233.0.0/18"],
    )
    pods_ipv6: Cidr6 | None = Field(
        None, title="Pods, IPv6", description="IPv6 range of pods.", examples=["fd85:ee78:d8a6:8607::1:0/112"]
    )
    services_ipv6: Cidr6 | None = Field(
        None,
        title="Services, IPv6",
        description="IPv6 range of Services.",
        examples=["fd85:ee78:d8a6:8607::1000/116"],
    )


class Network(Model):
    """The network that the nodes are in, and what else they reach."""

    nodes: Cidr4 = Field(
        IPv4Network("10.10.0.0/22"),
        title="Nodes",
        description="IPv4 subnet of the nodes; of an existing network the CIDR that it has.",
        examples=["10.10.0.0/22"],
    )
    nodes_ipv6: Cidr6 | None = Field(
        None,
        title="Nodes, IPv6",
        description="IPv6 subnet of the nodes, for dual stack.",
        examples=["fd00:10:10::/64"],
    )
    existing: ExistingNetwork | None = Field(
        None, title="Existing network", description="Use this network of the project instead of making one."
    )
    router: Reference | None = Field(
        None,
        title="Existing router",
        description="Name or id of a router of the project; one is made when absent.",
        examples=["edge"],
    )
    mtu: Bytes | None = Field(
        None,
        title="MTU",
        description="Bytes; the cloud's default when absent.",
        examples=[1450],
    )
    port_security: bool = Field(
        True,
        title="Port security",
        description="Whether security groups hold on the nodes' network; without it everything is let in.",
        examples=[False],
    )
    dns_servers: tuple[Ipv4 | Ipv6, ...] = Field(
        (),
        title="DNS servers",
        description="Resolvers that the subnet hands to the nodes; the cloud's own when empty.",
        examples=[["10.0.0.53"]],
    )
    dns_domain: DomainName | None = Field(
        None,
        title="DNS domain",
        description="Domain of the nodes' names in Neutron's DNS; the cloud's default when absent.",
        examples=["nodes.example.org"],
    )
    additional: dict[Name, AdditionalNetwork] = Field(
        {}, title="Additional networks", description="By name; groups of nodes join them by that name."
    )
    kubernetes: PodNetwork = Field(
        PodNetwork(), title="Kubernetes ranges", description="Ranges of pods and Services."
    )
    reserved: tuple[Cidr, ...] = Field(
        (),
        title="Reserved ranges",
        description="Networks of the organisation that nodes and pods reach: nothing may overlap them.",
        examples=[["10.0.0.0/16"]],
    )
