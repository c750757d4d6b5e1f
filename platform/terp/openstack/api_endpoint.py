"""The endpoint of the Kubernetes API: a node, a load balancer, or an address that moves."""

from collections.abc import Sequence

import pulumi
import pulumi_openstack as openstack
from pulumi import Input, Output, ResourceOptions

from terp.environment import Environment
from terp.openstack.firewall import API_PORT
from terp.openstack.floating_ips import floating_ip
from terp.openstack.marks import Marks
from terp.openstack.network import Network

ROLE = "api"


class ApiEndpoint(pulumi.ComponentResource):
    """`address` is what nodes call, `public_address` what people call: the floating IP if there is one."""

    def __init__(
        self,
        stack: str,
        environment: Environment,
        network: Network,
        control_plane: Sequence[openstack.networking.Port],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("terp:openstack:ApiEndpoint", "api", {}, opts)
        self._stack = stack
        self._environment = environment
        self._wanted = environment.access.api
        self._network = network
        self._marks = Marks(stack=stack, owner=environment.owner)
        self._options = ResourceOptions(parent=self)
        port_id, self.address = self._reach(control_plane)
        public_address = floating_ip(
            "api",
            self._wanted.floating_ip,
            port_id=port_id,
            external_network=environment.cloud.external_network,
            marks=self._marks,
            role=ROLE,
            opts=ResourceOptions(parent=self, depends_on=network.routed),
        )
        self.public_address = Output.from_input(public_address or self.address)
        self.endpoint = Output.all(
            address=self.address, public_address=self.public_address, port=self._wanted.port
        )
        self.register_outputs({})

    def _reach(self, control_plane: Sequence[openstack.networking.Port]) -> tuple[Input[str], Output[str]]:
        """The port that the endpoint has, and its address."""
        if self._wanted.endpoint == "load-balancer":
            balancer = self._load_balancer([port.all_fixed_ips[0] for port in control_plane])
            return balancer.vip_port_id, balancer.vip_address
        port = control_plane[0] if self._wanted.endpoint == "node" else self._virtual_ip()
        return port.id, port.all_fixed_ips[0]

    def _virtual_ip(self) -> openstack.networking.Port:
        """A port that no server has: it keeps the address."""
        wanted = self._wanted.virtual_ip
        fixed = openstack.networking.PortFixedIpArgs(
            subnet_id=self._network.nodes.subnet_id, ip_address=str(wanted) if wanted else None
        )
        return openstack.networking.Port(
            "api",
            name=f"{self._stack}-api",
            description=self._marks.description,
            network_id=self._network.nodes.network_id,
            fixed_ips=[fixed],
            no_security_groups=True,
            tags=self._marks.tags(ROLE),
            opts=self._options,
        )

    def _load_balancer(self, members: Sequence[Output[str]]) -> openstack.loadbalancer.LoadBalancer:
        balancer = openstack.loadbalancer.LoadBalancer(
            "api",
            name=f"{self._stack}-api",
            description=self._marks.description,
            vip_subnet_id=self._network.nodes.subnet_id,
            loadbalancer_provider=self._wanted.provider,
            tags=self._marks.tags(ROLE),
            opts=self._options,
        )
        callers = (*self._wanted.allowed_from, self._environment.network.nodes)
        listener = openstack.loadbalancer.Listener(
            "api",
            name=f"{self._stack}-api",
            description=self._marks.description,
            loadbalancer_id=balancer.id,
            protocol="TCP",
            protocol_port=self._wanted.port,
            allowed_cidrs=sorted(set(map(str, callers))),  # the order in which Octavia gives them back
            opts=self._options,
        )
        pool = openstack.loadbalancer.Pool(
            "api",
            name=f"{self._stack}-api",
            description=self._marks.description,
            listener_id=listener.id,
            protocol="TCP",
            lb_method="SOURCE_IP_PORT" if self._wanted.provider == "ovn" else "ROUND_ROBIN",
            opts=self._options,
        )
        joined = openstack.loadbalancer.Members(
            "api",
            pool_id=pool.id,
            members=[
                openstack.loadbalancer.MembersMemberArgs(address=address, protocol_port=API_PORT)
                for address in members
            ],
            opts=self._options,
        )
        openstack.loadbalancer.Monitor(
            "api",
            name=f"{self._stack}-api",
            pool_id=pool.id,
            type="TCP",
            delay=5,
            timeout=3,
            max_retries=2,
            opts=ResourceOptions(parent=self, depends_on=[joined]),
        )
        return balancer
