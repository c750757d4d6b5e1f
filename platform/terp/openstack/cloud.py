"""The OpenStack layer as a whole: keys, networks, security groups, servers, endpoint, names."""

import pulumi
import pulumi_openstack as openstack
import pulumi_tls as tls
from pulumi import Input, InvokeOptions, Output, ResourceOptions

from terp.environment import Environment
from terp.environment.nodes import BASTION, CONTROL_PLANE
from terp.openstack.api_endpoint import ApiEndpoint
from terp.openstack.dns import DnsRecords
from terp.openstack.host_keys import host_keys_of
from terp.openstack.images import Images
from terp.openstack.marks import Marks
from terp.openstack.network import Network
from terp.openstack.node_pool import Ground, NodePool
from terp.openstack.provider import provider
from terp.openstack.security import SecurityGroups
from terp.openstack.servers import server_groups
from terp.openstack.types import CLOUD


class Cloud(pulumi.ComponentResource):
    """Everything that an environment has on OpenStack.

    `hosts` are the records of all servers (`terp.openstack.hosts.Host`), also by the server's name in
    `host_by_name`: a preview knows those of servers that are there. `api` is the endpoint of Kubernetes' API,
    `private_key` opens SSH to the hosts.
    """

    def __init__(self, stack: str, environment: Environment) -> None:
        openstack_provider = provider(environment)
        super().__init__(CLOUD, stack, {}, ResourceOptions(provider=openstack_provider))
        inside = ResourceOptions(parent=self)
        key = tls.PrivateKey("access", algorithm="ED25519", opts=inside)
        self.private_key: Output[str] = Output.secret(key.private_key_openssh)
        keypair = environment.access.ssh.keypair or self._keypair(stack, key, inside)
        network = Network(stack, environment, inside)
        security = SecurityGroups(stack, environment, inside)
        images = Images(InvokeOptions(parent=self))
        host_keys = host_keys_of(environment.cloud)
        ground = Ground(
            stack, environment, network, security, images, keypair, key.public_key_openssh, host_keys
        )
        groups = server_groups(stack, environment)
        pools = {group.name: NodePool(group, ground, inside) for group in groups}
        self.host_by_name = {
            server.name: host
            for group in groups
            for server, host in zip(group.servers, pools[group.name].hosts, strict=True)
        }
        self.hosts = Output.all(*self.host_by_name.values())
        self.api = ApiEndpoint(stack, environment, network, pools[CONTROL_PLANE].ports, inside)
        if environment.cloud.dns:
            names: dict[str, Input[str]] = {"api": self.api.public_address}
            if BASTION in pools:
                names["bastion"] = pools[BASTION].hosts[0].apply(_reached_at)
            marks = Marks(stack=stack, owner=environment.owner)
            DnsRecords(marks, environment.cloud.dns, names, inside)
        self.register_outputs({"hosts": self.hosts, "private_key": self.private_key})

    @staticmethod
    def _keypair(stack: str, key: tls.PrivateKey, inside: ResourceOptions) -> Input[str]:
        """The keypair by which the environment's own key is let in."""
        return openstack.compute.Keypair(
            "access",
            name=stack,
            public_key=key.public_key_openssh,
            opts=ResourceOptions.merge(inside, ResourceOptions(delete_before_replace=True)),
        ).name


def _reached_at(host: dict[str, object]) -> str:
    return str(host["floating_ip"] or host["address"])
