"""What an environment takes of a project's quota: thing by thing, as the OpenStack layer makes them.

A thing is known by its type and logical name in Pulumi, so that what the plan makes can be held against what
the stack has. What a service makes by itself for a thing (a router's port, a load balancer's address) is
counted with it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from terp.environment import Environment
from terp.environment.nodes import Volume
from terp.model import Model
from terp.openstack.firewall import security_groups
from terp.openstack.servers import ServerGroup, server_groups
from terp.openstack.types import (
    FLOATING_IP,
    INSTANCE,
    KEYPAIR,
    LISTENER,
    LOAD_BALANCER,
    MEMBERS,
    MONITOR,
    NETWORK,
    POOL,
    PORT,
    ROUTER,
    ROUTER_INTERFACE,
    SECURITY_GROUP,
    SECURITY_RULE,
    SERVER_GROUP,
    SUBNET,
    VOLUME,
)
from terp.preflight.snapshot import Flavor, Snapshot

Thing = tuple[str, str]
"""Type and logical name of a resource in Pulumi."""
Uses = Mapping[str, int]
"""How much of each of `RESOURCES` a thing takes."""

RESOURCES = {
    "instances": "instances",
    "cores": "cores",
    "ram": "RAM, MiB",
    "server_groups": "server groups",
    "key_pairs": "key pairs",
    "networks": "networks",
    "subnets": "subnets",
    "routers": "routers",
    "ports": "ports",
    "security_groups": "security groups",
    "security_group_rules": "security group rules",
    "floating_ips": "floating IPs",
    "volumes": "volumes",
    "gigabytes": "volumes, GiB",
    "load_balancers": "load balancers",
    "listeners": "listeners",
    "pools": "load balancer pools",
    "health_monitors": "health monitors",
    "members": "load balancer members",
}
"""What has a quota, and how it is called in the table; Cinder counts per volume type too."""
ONE_EACH = {
    KEYPAIR: "key_pairs",
    SERVER_GROUP: "server_groups",
    SUBNET: "subnets",
    ROUTER: "routers",
    ROUTER_INTERFACE: "ports",
    PORT: "ports",
    SECURITY_GROUP: "security_groups",
    SECURITY_RULE: "security_group_rules",
    FLOATING_IP: "floating_ips",
    LISTENER: "listeners",
    POOL: "pools",
    MONITOR: "health_monitors",
}
"""Things that take one of something, whatever they are like."""


class Prices(Model):
    """What a cloud takes for a thing."""

    flavors: Mapping[str, Flavor]
    default_volume_type: str | None
    dhcp_ports: int
    """Ports of the project that DHCP takes in a network."""

    def instance(self, flavor: str) -> Counter[str]:
        """A server; of a flavor that the cloud does not have, the server alone."""
        size = self.flavors.get(flavor)
        return Counter({"instances": 1, "cores": size.vcpus if size else 0, "ram": size.ram if size else 0})

    def volume(self, size: int, kind: str | None) -> Counter[str]:
        """A volume of `size` GiB."""
        uses = Counter({"volumes": 1, "gigabytes": size})
        if name := kind or self.default_volume_type:
            uses.update({f"volumes_{name}": 1, f"gigabytes_{name}": size})
        return uses

    def network(self) -> Counter[str]:
        """A network with DHCP."""
        return Counter({"networks": 1, "ports": self.dhcp_ports})

    def load_balancer(self, provider: str | None) -> Counter[str]:
        """A load balancer and its address; OVN's has a port for the health monitor beside it."""
        return Counter({"load_balancers": 1, "ports": 2 if provider == "ovn" else 1})


def prices(snapshot: Snapshot) -> Prices:
    """What this cloud takes.

    Whether DHCP has ports (with agents, as many as there are for each network) or none (OVN) only the
    project's own networks tell.
    """
    dhcp = Counter(port.network_id for port in snapshot.ports or () if port.owner == "network:dhcp")
    return Prices(
        flavors={flavor.name: flavor for flavor in snapshot.flavors or ()},
        default_volume_type=snapshot.default_volume_type,
        dhcp_ports=max(dhcp.values(), default=0),
    )


def demand(stack: str, environment: Environment, prices: Prices) -> dict[Thing, Uses]:
    """Everything that the environment takes, by thing."""
    return {
        thing: uses
        for part in (
            _network(environment, prices),
            _security(stack, environment),
            _servers(stack, environment, prices),
            _endpoint(environment, prices),
        )
        for thing, uses in part
    }


def one(kind: str, name: str) -> tuple[Thing, Uses]:
    """A thing of `ONE_EACH`."""
    return (kind, name), Counter({ONE_EACH[kind]: 1})


def _network(environment: Environment, prices: Prices) -> Iterator[tuple[Thing, Uses]]:
    wanted = environment.network
    if not environment.access.ssh.keypair:
        yield one(KEYPAIR, "access")
    if not wanted.existing:
        yield (NETWORK, "nodes"), prices.network()
        for name in ("nodes", *(["nodes-ipv6"] if wanted.nodes_ipv6 else [])):
            yield one(SUBNET, name)
            yield one(ROUTER_INTERFACE, name)
        if not wanted.router:
            yield one(ROUTER, "edge")
    for name, additional in wanted.additional.items():
        if not additional.existing:
            yield (NETWORK, name), prices.network()
            yield one(SUBNET, name)


def _security(stack: str, environment: Environment) -> Iterator[tuple[Thing, Uses]]:
    for group in security_groups(stack, environment):
        yield one(SECURITY_GROUP, group.name)
        for rule in group.rules:
            yield one(SECURITY_RULE, f"{group.name}-{rule.key}")


def _servers(stack: str, environment: Environment, prices: Prices) -> Iterator[tuple[Thing, Uses]]:
    for group in server_groups(stack, environment):
        if group.affinity != "none" and group.servers:
            yield one(SERVER_GROUP, group.name)
        yield from _group(group, prices)


def _group(group: ServerGroup, prices: Prices) -> Iterator[tuple[Thing, Uses]]:
    for server in group.servers:
        yield (INSTANCE, server.key), prices.instance(server.flavor) + _volume(server.root_volume, prices)
        for port in (server.key, *(f"{server.key}-{name}" for name in server.networks)):
            yield one(PORT, port)
        for name, volume in server.volumes.items():
            yield (VOLUME, f"{server.key}-{name}"), _volume(volume, prices)
        if server.floating_ip == "new":
            yield one(FLOATING_IP, server.key)


def _endpoint(environment: Environment, prices: Prices) -> Iterator[tuple[Thing, Uses]]:
    api = environment.access.api
    if api.endpoint == "load-balancer":
        yield (LOAD_BALANCER, "api"), prices.load_balancer(api.provider)
        for kind in (LISTENER, POOL, MONITOR):
            yield one(kind, "api")
        yield (MEMBERS, "api"), Counter({"members": environment.nodes.control_plane.count})
    if api.endpoint == "virtual-ip":
        yield one(PORT, "api")
    if api.floating_ip == "new":
        yield one(FLOATING_IP, "api")


def _volume(volume: Volume | None, prices: Prices) -> Counter[str]:
    return prices.volume(volume.size, volume.type) if volume else Counter()
