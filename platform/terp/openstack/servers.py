"""Which servers an environment has: names, roles, zones, addresses, volumes; a pure function of the file.

A server's name is a function of what it means (stack, group, number), never of a place in the file. It is the
name of the host, in the inventory and of the Kubernetes node, as OpenStack's cloud controller requires.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Literal

from terp.environment.access import Bastion
from terp.environment.environment import Environment
from terp.environment.fields import FloatingIp
from terp.environment.nodes import (
    BASTION,
    CONTROL_PLANE,
    ETCD,
    DataVolume,
    Group,
    Override,
    Rule,
    Taint,
    Volume,
)
from terp.model import Model

Role = Literal["control-plane", "etcd", "worker", "bastion"]
ETCD_MOUNT = "/var/lib/etcd"
"""Kubespray v2.31.0: `etcd_data_dir`."""
NOTHING = Override()


class Server(Model):
    """One server as it should be. `networks` are additional ones, `volumes` are named within the server."""

    name: str
    group: str
    role: Role
    number: int
    flavor: str
    image: str
    zone: str | None
    affinity: str
    address: IPv4Address | None
    floating_ip: FloatingIp
    root_volume: Volume | None
    volumes: Mapping[str, DataVolume]
    networks: tuple[str, ...]
    security_groups: tuple[str, ...]
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    inventory_groups: tuple[str, ...]

    @property
    def key(self) -> str:
        """Its name within the stack: `cpu-0`, `bastion`."""
        return self.group if self.role == "bastion" else f"{self.group}-{self.number}"


class ServerGroup(Model):
    """Servers that are alike, and what they share; `joins` is a server group that exists, by name or id."""

    name: str
    role: Role
    servers: tuple[Server, ...]
    affinity: str
    joins: str | None = None
    rules: tuple[Rule, ...]


def server_groups(stack: str, environment: Environment) -> tuple[ServerGroup, ...]:
    """Every group of servers: first the control plane, then etcd, the pools by name, the bastion."""
    nodes = environment.nodes
    control_plane = nodes.control_plane
    etcd_here = None if nodes.etcd else control_plane.etcd_volume
    made = [
        _group(
            stack,
            environment,
            CONTROL_PLANE,
            "control-plane",
            control_plane,
            control_plane.count,
            _etcd_volume(etcd_here),
        )
    ]
    if nodes.etcd:
        volume = _etcd_volume(nodes.etcd.etcd_volume)
        made.append(_group(stack, environment, ETCD, "etcd", nodes.etcd, nodes.etcd.count, volume))
    for name, pool in sorted(nodes.pools.items()):
        made.append(_group(stack, environment, name, "worker", pool, pool.count, {}))
    if bastion := environment.access.bastion:
        made.append(_bastion(stack, bastion, bastion.image or nodes.image))
    return tuple(made)


def servers(stack: str, environment: Environment) -> tuple[Server, ...]:
    """Every server, in the order of `server_groups`."""
    return tuple(server for group in server_groups(stack, environment) for server in group.servers)


def _etcd_volume(volume: Volume | None) -> dict[str, DataVolume]:
    if not volume:
        return {}
    return {"etcd": DataVolume(size=volume.size, type=volume.type, mount=ETCD_MOUNT)}


def _group(
    stack: str,
    environment: Environment,
    name: str,
    role: Role,
    group: Group,
    count: int,
    volumes: Mapping[str, DataVolume],
) -> ServerGroup:
    members = tuple(
        _server(stack, environment, name, role, group, number, volumes) for number in range(count)
    )
    return ServerGroup(
        name=name,
        role=role,
        servers=members,
        affinity="none" if group.server_group else group.affinity,
        joins=group.server_group,
        rules=group.rules,
    )


def _server(
    stack: str,
    environment: Environment,
    name: str,
    role: Role,
    group: Group,
    number: int,
    volumes: Mapping[str, DataVolume],
) -> Server:
    own = group.overrides.get(number, NOTHING)
    zone = group.zones[number % len(group.zones)] if group.zones else None
    return Server(
        name=f"{stack}-{name}-{number}",
        group=name,
        role=role,
        number=number,
        flavor=own.flavor or group.flavor,
        image=own.image or group.image or environment.nodes.image,
        zone=own.zone or zone,
        affinity=group.affinity,
        address=own.address or (group.first_address + number if group.first_address else None),
        floating_ip=own.floating_ip or group.floating_ip,
        root_volume=own.root_volume or group.root_volume,
        volumes={**volumes, **group.volumes},
        networks=group.networks,
        security_groups=group.security_groups,
        labels=getattr(group, "labels", {}),
        taints=getattr(group, "taints", ()),
        inventory_groups=getattr(group, "inventory_groups", ()),
    )


def _bastion(stack: str, bastion: Bastion, image: str) -> ServerGroup:
    server = Server(
        name=f"{stack}-{BASTION}",
        group=BASTION,
        role="bastion",
        number=0,
        flavor=bastion.flavor,
        image=image,
        zone=bastion.zone,
        affinity="none",
        address=bastion.address,
        floating_ip=bastion.floating_ip,
        root_volume=bastion.root_volume,
        volumes={},
        networks=(),
        security_groups=(),
        labels={},
        taints=(),
        inventory_groups=(),
    )
    return ServerGroup(name=BASTION, role="bastion", servers=(server,), affinity="none", rules=bastion.rules)
