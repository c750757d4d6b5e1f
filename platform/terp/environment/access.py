"""Who reaches an environment, and how."""

from ipaddress import IPv4Network
from typing import Literal

from pydantic import Field

from terp.environment.fields import Certificates, Cidr, FloatingIp, Ipv4, Port, PublicKey, Reference
from terp.environment.nodes import Rule, Volume
from terp.model import Model

ANYWHERE = (IPv4Network("0.0.0.0/0"),)


class Bastion(Model):
    """The server that SSH comes through."""

    flavor: Reference = Field(title="Flavor", description="Nova flavor.", examples=["m1.small"])
    image: Reference | None = Field(
        None,
        title="Image",
        description="Glance image, name or id; that of `nodes.image` when absent.",
        examples=["debian-12"],
    )
    zone: Reference | None = Field(None, title="Zone", description="Availability zone.", examples=["zone-a"])
    root_volume: Volume | None = Field(
        None,
        title="Root volume",
        description="Boot from a volume of this size; from the flavor's disk when absent.",
    )
    address: Ipv4 | None = Field(
        None, title="Address", description="Fixed IPv4 address in the nodes' subnet.", examples=["10.10.0.5"]
    )
    floating_ip: FloatingIp = Field(
        "new",
        title="Floating IP",
        description='"none", "new", or a reserved address.',
        examples=["198.51.100.20"],
    )
    rules: tuple[Rule, ...] = Field((), title="Rules", description="Further traffic that is let in.")


class Ssh(Model):
    """SSH to the bastion and the nodes."""

    allowed_from: tuple[Cidr, ...] = Field(
        ANYWHERE,
        title="Allowed from",
        description="CIDRs that SSH may come from.",
        examples=[["192.0.2.0/24"]],
    )
    user: Reference | None = Field(
        None, title="User", description="Login of the image; its os_distro when absent.", examples=["debian"]
    )
    public_keys: tuple[PublicKey, ...] = Field(
        (),
        title="Public keys",
        description="Of people, beside the key that the environment makes for itself.",
        examples=[["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ada"]],
    )
    keypair: Reference | None = Field(
        None,
        title="Keypair",
        description="One that the project has; one is made when absent.",
        examples=["ops"],
    )


class Api(Model):
    """The endpoint of the Kubernetes API."""

    endpoint: Literal["node", "load-balancer", "virtual-ip"] = Field(
        "node",
        title="Endpoint",
        description="The one control-plane node, a load balancer of Octavia, or an address that moves.",
        examples=["load-balancer"],
    )
    port: Port = Field(6443, title="Port", description="TCP port of the endpoint.", examples=[6443])
    provider: Literal["amphora", "ovn"] | None = Field(
        None,
        title="Provider",
        description="Of the load balancer; the cloud's default when absent.",
        examples=["ovn"],
    )
    virtual_ip: Ipv4 | None = Field(
        None,
        title="Virtual IP",
        description="In the nodes' subnet; the cloud chooses when absent.",
        examples=["10.10.0.4"],
    )
    floating_ip: FloatingIp = Field(
        "none", title="Floating IP", description='"none", "new", or a reserved address.', examples=["new"]
    )
    allowed_from: tuple[Cidr, ...] = Field(
        ANYWHERE,
        title="Allowed from",
        description="CIDRs that the API may be called from.",
        examples=[["192.0.2.0/24"]],
    )


class Access(Model):
    """Who reaches the environment, and how."""

    bastion: Bastion | None = Field(
        None, title="Bastion", description="Without one, SSH goes to the nodes' own addresses."
    )
    ssh: Ssh = Field(Ssh(), title="SSH", description="SSH to the bastion and the nodes.")
    api: Api = Field(Api(), title="Kubernetes API", description="The endpoint of the Kubernetes API.")
    node_ports_from: tuple[Cidr, ...] = Field(
        (),
        title="NodePorts from",
        description="CIDRs that may reach NodePorts of workers.",
        examples=[["10.0.0.0/8"]],
    )
    egress_to: tuple[Cidr, ...] = Field(
        (),
        title="Egress to",
        description="CIDRs that nodes may call beside each other; everything when empty.",
        examples=[["10.0.0.0/8"]],
    )
    trusted_ca: Certificates | None = Field(
        None,
        title="Trusted CA",
        description="PEM certificates of the organisation that the nodes trust.",
        examples=["-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n"],
    )
    time_servers: tuple[Reference, ...] = Field(
        (),
        title="Time servers",
        description="NTP servers; those of the image when empty.",
        examples=[["ntp.example.org"]],
    )
