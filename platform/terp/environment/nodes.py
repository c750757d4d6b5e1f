"""The servers of an environment: control plane, etcd, and pools of workers."""

from typing import Literal

from pydantic import Field

from terp.environment.fields import (
    Cidr,
    Count,
    FloatingIp,
    Gibibytes,
    Ipv4,
    LabelKey,
    LabelValue,
    MountPoint,
    Name,
    OddCount,
    PoolName,
    Port,
    Reference,
    Share,
)
from terp.model import Model

CONTROL_PLANE = "control-plane"
ETCD = "etcd"
BASTION = "bastion"
RESERVED = (CONTROL_PLANE, ETCD, BASTION, "node", "worker")
"""Names of groups of servers and of security groups, that no pool may have."""
Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
Affinity = Literal["none", "anti-affinity", "soft-anti-affinity"]


class Volume(Model):
    """A Cinder volume."""

    size: Gibibytes = Field(title="Size", description="GiB; it can grow, never shrink.", examples=[20])
    type: Reference | None = Field(
        None,
        title="Volume type",
        description="Cinder volume type; the cloud's default when absent.",
        examples=["fast"],
    )


class DataVolume(Volume):
    """A volume of its own for each node of a group; it outlives its server."""

    mount: MountPoint = Field(title="Mount point", description="Directory.", examples=["/var/lib/data"])
    filesystem: Literal["ext4", "xfs"] = Field(
        "ext4",
        title="File system",
        description="Made on an empty volume, never on one with data.",
        examples=["ext4"],
    )


class Taint(Model):
    """A Kubernetes taint."""

    key: LabelKey = Field(title="Key", description="Name of the taint.", examples=["nvidia.com/gpu"])
    value: LabelValue = Field("", title="Value", description="Value, often none.", examples=["present"])
    effect: Effect = Field(title="Effect", description="What it does to pods.", examples=["NoSchedule"])


class Rule(Model):
    """Traffic that is let in."""

    protocol: Literal["tcp", "udp", "icmp"] = Field(
        title="Protocol", description="IP protocol.", examples=["tcp"]
    )
    first: Port | None = Field(
        None, title="First port", description="All ports when absent.", examples=[30000]
    )
    last: Port | None = Field(None, title="Last port", description="The first when absent.", examples=[32767])
    sources: tuple[Cidr, ...] = Field(
        title="Sources", description="CIDRs that it comes from.", min_length=1, examples=[["10.0.0.0/8"]]
    )


class Override(Model):
    """What one node has otherwise than its group; what is absent is as in the group."""

    flavor: Reference | None = Field(None, title="Flavor", description="Nova flavor.", examples=["m1.xlarge"])
    image: Reference | None = Field(
        None, title="Image", description="Glance image, name or id.", examples=["debian-12"]
    )
    zone: Reference | None = Field(None, title="Zone", description="Availability zone.", examples=["zone-a"])
    root_volume: Volume | None = Field(
        None, title="Root volume", description="Boot from a volume of this size and type."
    )
    address: Ipv4 | None = Field(
        None, title="Address", description="Fixed IPv4 address in the nodes' subnet.", examples=["10.10.0.20"]
    )
    floating_ip: FloatingIp | None = Field(
        None, title="Floating IP", description='"none", "new", or a reserved address.', examples=["new"]
    )


class Group(Model):
    """Servers that are alike."""

    flavor: Reference = Field(title="Flavor", description="Nova flavor.", examples=["m1.large"])
    image: Reference | None = Field(
        None,
        title="Image",
        description="Glance image, name or id; that of `nodes.image` when absent.",
        examples=["debian-12"],
    )
    zones: tuple[Reference, ...] = Field(
        (),
        title="Availability zones",
        description="Node n comes into zone n modulo their number; the cloud's default when empty.",
        examples=[["zone-a", "zone-b"]],
    )
    affinity: Affinity = Field(
        "soft-anti-affinity",
        title="Server group",
        description="Whether the servers must (anti-affinity) or should (soft-…) be on different computes.",
        examples=["anti-affinity"],
    )
    server_group: Reference | None = Field(
        None,
        title="Existing server group",
        description="Name or id of one that the servers join, for example with those of another group.",
        examples=["apart-from-databases"],
    )
    root_volume: Volume | None = Field(
        None,
        title="Root volume",
        description="Boot from a volume of this size; from the flavor's disk when absent.",
    )
    volumes: dict[Name, DataVolume] = Field(
        {}, title="Data volumes", description="By name; each node gets one of each."
    )
    networks: tuple[Name, ...] = Field(
        (),
        title="Additional networks",
        description="Names in network.additional that the nodes have a further port in.",
        examples=[["storage"]],
    )
    first_address: Ipv4 | None = Field(
        None,
        title="First address",
        description="Node n gets this address plus n, also after a rebuild; the cloud chooses when absent.",
        examples=["10.10.0.10"],
    )
    floating_ip: Literal["none", "new"] = Field(
        "none", title="Floating IP", description="Whether each node gets a floating IP.", examples=["new"]
    )
    rules: tuple[Rule, ...] = Field((), title="Rules", description="Further traffic that is let in.")
    security_groups: tuple[Reference, ...] = Field(
        (),
        title="Security groups",
        description="Further groups that exist, by name or id.",
        examples=[["monitoring"]],
    )
    overrides: dict[int, Override] = Field(
        {}, title="Overrides", description="What single nodes have otherwise, by their number, from 0."
    )


class ControlPlane(Group):
    """The nodes that run Kubernetes' control plane and, without `nodes.etcd`, etcd."""

    count: OddCount = Field(
        1, title="Count", description="How many nodes; etcd needs an odd number.", examples=[3]
    )
    etcd_volume: Volume | None = Field(
        None, title="etcd volume", description="A volume of its own for etcd; on the root disk when absent."
    )
    schedulable: bool = Field(
        False, title="Schedulable", description="Whether ordinary pods may run here.", examples=[True]
    )


class Etcd(Group):
    """Nodes that run etcd alone."""

    count: OddCount = Field(
        3, title="Count", description="How many nodes; etcd needs an odd number.", examples=[3]
    )
    etcd_volume: Volume | None = Field(
        None, title="etcd volume", description="A volume of its own for etcd; on the root disk when absent."
    )


class Pool(Group):
    """Workers that are alike."""

    count: Count = Field(title="Count", description="How many nodes; it may be 0.", examples=[3])
    labels: dict[LabelKey, LabelValue] = Field(
        {}, title="Labels", description="Kubernetes labels of the nodes.", examples=[{"terp.io/gpu": "a100"}]
    )
    taints: tuple[Taint, ...] = Field((), title="Taints", description="Kubernetes taints of the nodes.")
    inventory_groups: tuple[Reference, ...] = Field(
        (),
        title="Inventory groups",
        description="Further groups of the Ansible inventory.",
        examples=[["gfs_cluster"]],
    )


class Nodes(Model):
    """All servers of the cluster."""

    image: Reference = Field(title="Image", description="Glance image, name or id.", examples=["debian-12"])
    control_plane: ControlPlane = Field(
        title="Control plane", description="Nodes that run Kubernetes itself."
    )
    etcd: Etcd | None = Field(
        None, title="etcd", description="Nodes for etcd alone; it runs on the control plane when absent."
    )
    pools: dict[PoolName, Pool] = Field(
        {},
        title="Pools",
        description="Workers, by the name of the pool; the order in the file means nothing.",
    )
    max_unavailable: Share = Field(
        1,
        title="Unavailable nodes",
        description="How many nodes of a pool one `up` may take away at once, restarts included.",
        examples=["10%"],
        json_schema_extra={"unit": "nodes"},
    )
