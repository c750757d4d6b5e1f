"""Where an environment names things that the cloud must have already."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import NamedTuple

from terp.environment import Environment
from terp.environment.access import Bastion
from terp.environment.findings import Key
from terp.environment.network import ExistingNetwork
from terp.environment.nodes import BASTION, CONTROL_PLANE, ETCD, Group, Volume

NODES: Key = ("nodes",)
API: Key = ("access", "api")


class Mention(NamedTuple):
    """A name or id, and the key that it stands under."""

    key: Key
    reference: str


def group_key(group: str) -> Key:
    """The key of a group of servers, by its name in `terp.openstack.servers`."""
    own = {
        CONTROL_PLANE: ("nodes", "control_plane"),
        ETCD: ("nodes", "etcd"),
        BASTION: ("access", "bastion"),
    }
    return own.get(group, ("nodes", "pools", group))


def flavors(environment: Environment) -> Iterator[Mention]:
    """Every flavor."""
    for name, group in _groups(environment):
        key = group_key(name)
        yield Mention((*key, "flavor"), group.flavor)
        if isinstance(group, Group):
            for number, own in sorted(group.overrides.items()):
                if own.flavor:
                    yield Mention((*key, "overrides", number, "flavor"), own.flavor)


def images(environment: Environment) -> Iterator[Mention]:
    """Every image."""
    yield Mention((*NODES, "image"), environment.nodes.image)
    for name, group in _groups(environment):
        key = group_key(name)
        if group.image:
            yield Mention((*key, "image"), group.image)
        if isinstance(group, Group):
            for number, own in sorted(group.overrides.items()):
                if own.image:
                    yield Mention((*key, "overrides", number, "image"), own.image)


def zones(environment: Environment) -> Iterator[Mention]:
    """Every availability zone."""
    for name, group in _groups(environment):
        key = group_key(name)
        if isinstance(group, Bastion):
            if group.zone:
                yield Mention((*key, "zone"), group.zone)
            continue
        for place, zone in enumerate(group.zones):
            yield Mention((*key, "zones", place), zone)
        for number, own in sorted(group.overrides.items()):
            if own.zone:
                yield Mention((*key, "overrides", number, "zone"), own.zone)


def volumes(environment: Environment) -> Iterator[tuple[Key, Volume]]:
    """Every kind of volume."""
    for name, group in _groups(environment):
        key = group_key(name)
        if group.root_volume:
            yield (*key, "root_volume"), group.root_volume
        if isinstance(group, Group):
            for number, own in sorted(group.overrides.items()):
                if own.root_volume:
                    yield (*key, "overrides", number, "root_volume"), own.root_volume
        if etcd := getattr(group, "etcd_volume", None):
            yield (*key, "etcd_volume"), etcd
        if isinstance(group, Group):
            for volume, wanted in sorted(group.volumes.items()):
                yield (*key, "volumes", volume), wanted


def volume_types(environment: Environment) -> Iterator[Mention]:
    """Every volume type."""
    for key, volume in volumes(environment):
        if volume.type:
            yield Mention((*key, "type"), volume.type)


def server_groups(environment: Environment) -> Iterator[Mention]:
    """Every existing server group."""
    for name, group in _groups(environment):
        if isinstance(group, Group) and group.server_group:
            yield Mention((*group_key(name), "server_group"), group.server_group)


def security_groups(environment: Environment) -> Iterator[Mention]:
    """Every existing security group."""
    for name, group in _groups(environment):
        if isinstance(group, Group):
            for place, reference in enumerate(group.security_groups):
                yield Mention((*group_key(name), "security_groups", place), reference)


def reserved_floating_ips(environment: Environment) -> Iterator[tuple[Key, IPv4Address]]:
    """Every floating IP that the project must have."""
    for name, group in _groups(environment):
        key = group_key(name)
        if isinstance(group, Bastion):
            if isinstance(group.floating_ip, IPv4Address):
                yield (*key, "floating_ip"), group.floating_ip
            continue
        for number, own in sorted(group.overrides.items()):
            if isinstance(own.floating_ip, IPv4Address):
                yield (*key, "overrides", number, "floating_ip"), own.floating_ip
    if isinstance(environment.access.api.floating_ip, IPv4Address):
        yield (*API, "floating_ip"), environment.access.api.floating_ip


def existing_networks(environment: Environment) -> Iterator[tuple[Key, ExistingNetwork]]:
    """Every network that is used as it is."""
    if environment.network.existing:
        yield ("network", "existing"), environment.network.existing
    for name, network in sorted(environment.network.additional.items()):
        if network.existing:
            yield ("network", "additional", name, "existing"), network.existing


def _groups(environment: Environment) -> Iterator[tuple[str, Group | Bastion]]:
    nodes = environment.nodes
    yield CONTROL_PLANE, nodes.control_plane
    if nodes.etcd:
        yield ETCD, nodes.etcd
    yield from sorted(nodes.pools.items())
    if environment.access.bastion:
        yield BASTION, environment.access.bastion
