"""Servers that are alike: their server group, ports, volumes, floating IPs and the servers themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

import pulumi
import pulumi_openstack as openstack
from pulumi import Input, InvokeOptions, Output, ResourceOptions

from terp.environment import Environment
from terp.openstack.floating_ips import floating_ip
from terp.openstack.host_keys import HostKeys
from terp.openstack.images import Images
from terp.openstack.marks import Marks
from terp.openstack.network import Attachment, Network
from terp.openstack.provider import is_id
from terp.openstack.security import SecurityGroups
from terp.openstack.servers import Server, ServerGroup
from terp.openstack.user_data import user_data

KEPT = [
    "availabilityZone",
    "blockDevices[0].uuid",
    "imageId",
    "keyPair",
    "schedulerHints",
    "userData",
]
"""What Nova reads at a server's creation only. A server that is there keeps it: a newer image, one more zone
or another user data must never replace nodes that hold data. Replacing one on purpose takes the new ones."""


@dataclass(frozen=True)
class Ground:
    """What all pools stand on."""

    stack: str
    environment: Environment
    network: Network
    security: SecurityGroups
    images: Images
    keypair: Input[str]
    public_key: Output[str]
    host_keys: HostKeys

    @property
    def marks(self) -> Marks:
        """The stack's marks."""
        return Marks(stack=self.stack, owner=self.environment.owner)

    def user(self, server: Server) -> Input[str]:
        """The login of a server."""
        return self.environment.access.ssh.user or self.images.user(server.image)


class NodePool(pulumi.ComponentResource):
    """All servers of one group. `hosts` are the records of them, in the order of their numbers."""

    def __init__(self, group: ServerGroup, ground: Ground, opts: ResourceOptions | None = None) -> None:
        super().__init__("terp:openstack:NodePool", group.name, {}, opts)
        self._group = group
        self._ground = ground
        self._protect = group.role in ("control-plane", "etcd") and ground.environment.protected
        self._server_group = self._together()
        self.ports: list[openstack.networking.Port] = []
        self.hosts: list[Output[dict[str, object]]] = [self._host(server) for server in group.servers]
        self.register_outputs({})

    def _options(self, **more: object) -> ResourceOptions:
        return ResourceOptions.merge(ResourceOptions(parent=self), ResourceOptions(**more))  # type: ignore[arg-type]

    def _together(self) -> Input[str] | None:
        """The id of the server group, if there is one."""
        if self._group.joins:
            return self._joined(self._group.joins)
        if self._group.affinity == "none" or not self._group.servers:
            return None
        return openstack.compute.ServerGroup(
            self._group.name,
            name=f"{self._ground.stack}-{self._group.name}",
            policies=self._group.affinity,
            opts=self._options(),
        ).id

    def _joined(self, reference: str) -> Input[str]:
        if is_id(reference):
            return reference
        found: Output[openstack.compute.GetServergroupV2Result] = openstack.compute.get_servergroup_v2_output(
            name=reference, opts=InvokeOptions(parent=self)
        )
        return found.id

    def _host(self, server: Server) -> Output[dict[str, object]]:
        network = self._ground.network
        port = self._port(server, server.key, network.nodes, server.address)
        self.ports.append(port)
        additional = {
            name: self._port(server, f"{server.key}-{name}", network.additional[name], None)
            for name in server.networks
        }
        volumes = {name: self._volume(server, name) for name in server.volumes}
        instance = self._server(server, [port, *additional.values()], volumes)
        for name, volume in volumes.items():
            openstack.compute.VolumeAttach(
                f"{server.key}-{name}",
                instance_id=instance.id,
                volume_id=volume.id,
                opts=self._options(delete_before_replace=True),
            )
        return Output.from_input(
            {
                "name": server.name,
                "server_id": instance.id,
                "role": server.role,
                "group": server.group,
                "number": server.number,
                "user": self._ground.user(server),
                "address": port.all_fixed_ips.apply(_ipv4),
                "address_ipv6": port.all_fixed_ips.apply(_ipv6),
                "floating_ip": floating_ip(
                    server.key,
                    server.floating_ip,
                    port_id=port.id,
                    external_network=self._ground.environment.cloud.external_network,
                    marks=self._ground.marks,
                    role=server.role,
                    opts=self._options(depends_on=network.routed),
                ),
                "additional_addresses": {
                    name: each.all_fixed_ips.apply(_ipv4) for name, each in additional.items()
                },
                "volumes": {
                    name: {
                        "id": volume.id,
                        "mount": server.volumes[name].mount,
                        "filesystem": server.volumes[name].filesystem,
                    }
                    for name, volume in volumes.items()
                },
                "labels": dict(server.labels),
                "taints": [taint.model_dump(mode="json") for taint in server.taints],
                "inventory_groups": list(server.inventory_groups),
                "host_key": self._ground.host_keys.of(instance.id),
            }
        )

    def _port(
        self, server: Server, key: str, where: Attachment, address: IPv4Address | None
    ) -> openstack.networking.Port:
        fixed = [
            openstack.networking.PortFixedIpArgs(
                subnet_id=where.subnet_id, ip_address=str(address) if address else None
            )
        ]
        if where.subnet_ipv6_id is not None:
            fixed.append(openstack.networking.PortFixedIpArgs(subnet_id=where.subnet_ipv6_id))
        groups = self._ground.security.ids(server.group, server.role, server.security_groups)
        secured = where.port_security
        inherits = secured or where is self._ground.network.nodes  # whose network says it for its ports
        return openstack.networking.Port(
            key,
            name=f"{self._ground.stack}-{key}",
            description=self._ground.marks.description,
            network_id=where.network_id,
            fixed_ips=fixed,
            security_group_ids=groups if secured else None,
            no_security_groups=None if secured else True,
            port_security_enabled=None if inherits else False,
            allowed_address_pairs=self._pairs(server) if secured else None,
            dns_name=server.name if self._ground.environment.network.dns_domain else None,
            tags=self._ground.marks.tags(server.role),
            opts=self._options(),
        )

    def _pairs(self, server: Server) -> list[openstack.networking.PortAllowedAddressPairArgs]:
        """Addresses that a node speaks for beside its own: pods, Services, the API's virtual IP."""
        if server.role == "bastion":
            return []
        ranges = self._ground.environment.network.kubernetes
        known = (ranges.pods, ranges.services, ranges.pods_ipv6, ranges.services_ipv6)
        virtual_ip = self._ground.environment.access.api.virtual_ip
        addresses = [str(each) for each in known if each]
        if server.role == "control-plane" and virtual_ip:
            addresses.append(str(virtual_ip))
        return [openstack.networking.PortAllowedAddressPairArgs(ip_address=each) for each in addresses]

    def _volume(self, server: Server, name: str) -> openstack.blockstorage.Volume:
        wanted = server.volumes[name]
        return openstack.blockstorage.Volume(
            f"{server.key}-{name}",
            name=f"{server.name}-{name}",
            description=self._ground.marks.description,
            size=wanted.size,
            volume_type=wanted.type,
            enable_online_resize=True,
            metadata=self._ground.marks.metadata(server.role),
            opts=self._options(protect=self._ground.environment.protected),
        )

    def _server(
        self,
        server: Server,
        ports: list[openstack.networking.Port],
        volumes: Mapping[str, openstack.blockstorage.Volume],
    ) -> openstack.compute.Instance:
        ground = self._ground
        image_id = ground.images.id(server.image)
        # A keypair of the project's brings its own key, not the environment's.
        own_key = ground.public_key if ground.environment.access.ssh.keypair else None
        ids = Output.all(**{name: volume.id for name, volume in volumes.items()})
        data = Output.all(ids, own_key).apply(
            lambda known: user_data(
                server.name,
                ground.environment.access,
                {known[0][name]: volume for name, volume in server.volumes.items()},
                known[1],
            )
        )
        group = self._server_group
        hints = [openstack.compute.InstanceSchedulerHintArgs(group=group)] if group else None
        return openstack.compute.Instance(
            server.key,
            name=server.name,
            flavor_name=server.flavor,
            image_id=None if server.root_volume else image_id,
            block_devices=_boot_from(server, image_id),
            key_pair=ground.keypair,
            networks=[openstack.compute.InstanceNetworkArgs(port=port.id) for port in ports],
            availability_zone=server.zone,
            scheduler_hints=hints,
            config_drive=True,
            user_data=data,
            metadata=ground.marks.metadata(server.role),
            opts=self._options(
                protect=self._protect,
                delete_before_replace=True,  # its ports and volumes are its successor's
                ignore_changes=KEPT,
                replacement_trigger=server.image,
                depends_on=ground.network.routed,
            ),
        )


def _boot_from(
    server: Server, image_id: Output[str]
) -> list[openstack.compute.InstanceBlockDeviceArgs] | None:
    if not server.root_volume:
        return None
    return [
        openstack.compute.InstanceBlockDeviceArgs(
            uuid=image_id,
            source_type="image",
            destination_type="volume",
            volume_size=server.root_volume.size,
            volume_type=server.root_volume.type,
            boot_index=0,
            delete_on_termination=True,
        )
    ]


def _ipv4(addresses: Sequence[str]) -> str:
    return next(address for address in addresses if ":" not in address)


def _ipv6(addresses: Sequence[str]) -> str | None:
    return next((address for address in addresses if ":" in address), None)
