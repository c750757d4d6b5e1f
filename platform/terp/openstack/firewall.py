"""Which security groups an environment has, and what each lets in; a pure function of the file.

No default rules: what is not named here is closed. Addresses inside Kubernetes need no rules of their own:
traffic between nodes is allowed, and pods are held apart by NetworkPolicies.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from terp.environment.environment import Environment
from terp.environment.fields import Cidr
from terp.environment.nodes import BASTION, CONTROL_PLANE, Rule
from terp.model import Model
from terp.openstack.servers import server_groups

NODE = "node"
"""The group of every server of the cluster."""
WORKER = "worker"
API_PORT = 6443
"""Where API servers listen, whatever the port of the endpoint is."""
NODE_PORTS = (30_000, 32_767)
"""Kubernetes' default `--service-node-port-range`."""
EVERYWHERE: tuple[Cidr, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


class SecurityRule(Model):
    """One rule of Neutron. Without `remote` (a CIDR, or the name of a group) it holds for every address."""

    direction: Literal["ingress", "egress"]
    ethertype: Literal["IPv4", "IPv6"]
    protocol: str | None = None
    ports: tuple[int, int] | None = None
    cidr: Cidr | None = None
    group: str | None = None

    @property
    def key(self) -> str:
        """What the rule means, as a name that stays when others come or go."""
        ports = "-".join(str(port) for port in dict.fromkeys(self.ports)) if self.ports else ""
        cidr = str(self.cidr).replace(":", ".") if self.cidr else "any"  # a URN has its own colons
        remote = self.group or cidr
        parts = (self.direction, self.ethertype.lower(), self.protocol or "", ports, remote)
        return "-".join(part for part in parts if part)


class SecurityGroup(Model):
    """One security group with its rules."""

    name: str
    rules: tuple[SecurityRule, ...]


def security_groups(stack: str, environment: Environment) -> tuple[SecurityGroup, ...]:
    """Every group: nodes, control plane, workers, bastion, and servers with rules of their own."""
    access = environment.access
    egress = _egress(environment)
    ssh_sources = () if access.bastion else access.ssh.allowed_from
    groups = {
        NODE: [
            *_between(NODE),
            *egress,
            *([_from_group(BASTION, 22)] if access.bastion else []),
            *_from_cidrs("tcp", (22, 22), ssh_sources),
        ],
        CONTROL_PLANE: list(_from_cidrs("tcp", (API_PORT, API_PORT), api_sources(environment))),
    }
    node_ports_from = _node_port_sources(environment)
    if node_ports_from and environment.nodes.pools:
        groups[WORKER] = [
            rule for protocol in ("tcp", "udp") for rule in _from_cidrs(protocol, NODE_PORTS, node_ports_from)
        ]
    if access.bastion:
        groups[BASTION] = [*_from_cidrs("tcp", (22, 22), access.ssh.allowed_from), *_everywhere()]
    for group in server_groups(stack, environment):
        own = [rule for each in group.rules for rule in _own(each)]
        if own:
            groups[group.name] = [*groups.get(group.name, []), *own]
    return tuple(SecurityGroup(name=name, rules=_distinct(rules)) for name, rules in groups.items())


def groups_of(group: str, role: str, there: Iterable[str]) -> tuple[str, ...]:
    """The names of the security groups that the servers of a group are in, of those that are `there`."""
    mine = (BASTION,) if role == BASTION else (NODE, role, group)
    return tuple(name for name in dict.fromkeys(mine) if name in there)


def api_sources(environment: Environment) -> tuple[Cidr, ...]:
    """Who calls the API servers; a load balancer has an address of the nodes' subnet and lets in who may."""
    api = environment.access.api
    return (environment.network.nodes,) if api.endpoint == "load-balancer" else api.allowed_from


def _node_port_sources(environment: Environment) -> tuple[Cidr, ...]:
    """Who calls NodePorts; the balancers of Services have addresses of the nodes' subnet."""
    access, openstack = environment.access, environment.kubernetes.openstack
    if openstack and openstack.cloud_controller:
        return (environment.network.nodes, *access.node_ports_from)
    return access.node_ports_from


def _between(group: str) -> Iterator[SecurityRule]:
    yield SecurityRule(direction="ingress", ethertype="IPv4", group=group)
    yield SecurityRule(direction="ingress", ethertype="IPv6", group=group)


def _from_group(group: str, port: int) -> SecurityRule:
    return SecurityRule(
        direction="ingress", ethertype="IPv4", protocol="tcp", ports=(port, port), group=group
    )


def _egress(environment: Environment) -> list[SecurityRule]:
    """Where nodes may call; always their own subnets, which have the resolver and the load balancer, too."""
    allowed, network = environment.access.egress_to, environment.network
    if not allowed:
        return _everywhere()
    own = [cidr for cidr in (network.nodes, network.nodes_ipv6) if cidr]
    return [_out(cidr) for cidr in (*allowed, *own)]


def _everywhere() -> list[SecurityRule]:
    return [_out(cidr) for cidr in EVERYWHERE]


def _out(cidr: Cidr) -> SecurityRule:
    return SecurityRule(direction="egress", ethertype=_ethertype(cidr), cidr=cidr)


def _from_cidrs(
    protocol: str, ports: tuple[int, int] | None, sources: Iterable[Cidr]
) -> Iterator[SecurityRule]:
    for cidr in sources:
        ethertype = _ethertype(cidr)
        yield SecurityRule(
            direction="ingress",
            ethertype=ethertype,
            protocol="ipv6-icmp" if (protocol, ethertype) == ("icmp", "IPv6") else protocol,
            ports=ports,
            cidr=cidr,
        )


def _own(rule: Rule) -> Iterator[SecurityRule]:
    ports = (rule.first, rule.last or rule.first) if rule.first else None
    yield from _from_cidrs(rule.protocol, ports, rule.sources)


def _ethertype(cidr: Cidr) -> Literal["IPv4", "IPv6"]:
    return "IPv4" if cidr.version == 4 else "IPv6"


def _distinct(rules: Iterable[SecurityRule]) -> tuple[SecurityRule, ...]:
    return tuple({rule.key: rule for rule in rules}.values())
