"""Access: the API's endpoint, ports, and where traffic may come from and go."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from terp.environment.access import ANYWHERE
from terp.environment.environment import Environment
from terp.environment.fields import Cidr
from terp.environment.findings import Finding, Key
from terp.environment.nodes import Rule
from terp.environment.rules.parts import parts

API_PORT = 6443
"""Where API servers listen."""
USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
"""useradd(8), Debian."""


def the_endpoint_reaches_every_node(environment: Environment) -> Iterator[Finding]:
    """One node is the endpoint only while it is the only one."""
    count = environment.nodes.control_plane.count
    if environment.access.api.endpoint == "node" and count > 1:
        yield Finding(
            key=("access", "api", "endpoint"),
            message='"node" is for a single control-plane node; there are more, by',
            other=("nodes", "control_plane", "count"),
            value=str(count),
            suggestion='"load-balancer" (Octavia) or "virtual-ip"',
        )


def settings_of_the_endpoint_belong_to_it(environment: Environment) -> Iterator[Finding]:
    """Provider and port are a load balancer's, the virtual IP is that of its kind."""
    api = environment.access.api
    if api.provider and api.endpoint != "load-balancer":
        yield _belongs("provider", api.provider, "load-balancer", api.endpoint)
    if api.endpoint == "virtual-ip" and not api.virtual_ip:
        yield Finding(
            key=("access", "api", "endpoint"),
            message="virtual-ip needs an address that the control plane's ports may answer for",
            suggestion="name a free one of network.nodes: access.api.virtual_ip",
        )
    if api.virtual_ip and api.endpoint != "virtual-ip":
        yield _belongs("virtual_ip", str(api.virtual_ip), "virtual-ip", api.endpoint)
    if api.port != API_PORT and api.endpoint != "load-balancer":
        yield _belongs("port", str(api.port), "load-balancer", api.endpoint, f"; or the port {API_PORT}")


def _belongs(
    name: str, value: str, right: str, endpoint: str, otherwise: str = "; or leave it out"
) -> Finding:
    return Finding(
        key=("access", "api", name),
        message=f"{value} is for the endpoint {right} alone; the one here is",
        other=("access", "api", "endpoint"),
        value=endpoint,
        suggestion=f"endpoint: {right}{otherwise}",
    )


def ssh_comes_from_somewhere(environment: Environment) -> Iterator[Finding]:
    """Terp itself comes by SSH."""
    if not environment.access.ssh.allowed_from:
        yield Finding(
            key=("access", "ssh", "allowed_from"),
            message="nobody may come by SSH, and Terp itself does",
            suggestion="the CIDR that Terp runs in, for example 192.0.2.0/24",
        )


def ssh_is_for_an_ordinary_user(environment: Environment) -> Iterator[Finding]:
    """Nodes refuse root; its name is one that Linux takes."""
    user = environment.access.ssh.user
    if user == "root":
        yield Finding(
            key=("access", "ssh", "user"),
            message="nodes refuse root by SSH; commands that need it use sudo",
            suggestion="the login of the image, for example debian or ubuntu; or leave it out",
        )
    elif user and not USER.fullmatch(user):
        yield Finding(
            key=("access", "ssh", "user"),
            message=f'"{user}" is no login: a-z, 0-9, "_" and "-", 32 characters at most',
            suggestion="the login of the image, for example debian or ubuntu; or leave it out",
        )


def own_rules(environment: Environment) -> Iterator[tuple[Key, Rule]]:
    """Every rule of a group of nodes and of the bastion."""
    for part in parts(environment):
        for place, rule in enumerate(part.group.rules):
            yield (*part.key, "rules", place), rule
    if bastion := environment.access.bastion:
        for place, rule in enumerate(bastion.rules):
            yield ("access", "bastion", "rules", place), rule


def rules_name_ports_that_there_are(environment: Environment) -> Iterator[Finding]:
    """From the first to the last; ICMP has none."""
    for key, rule in own_rules(environment):
        if rule.protocol == "icmp" and (rule.first or rule.last):
            yield Finding(
                key=(*key, "first" if rule.first else "last"),
                message="ICMP has no ports",
                suggestion="leave out first and last; or protocol: tcp",
            )
        elif rule.last and not rule.first:
            yield Finding(
                key=(*key, "last"),
                message="a last port without a first one",
                suggestion=f"first: {rule.last}",
            )
        elif rule.first and rule.last and rule.first > rule.last:
            yield Finding(
                key=(*key, "first"),
                message=f"{rule.first} is after the last port,",
                other=(*key, "last"),
                value=str(rule.last),
                suggestion=f"did you mean first: {rule.last}, last: {rule.first}?",
            )


def sources(environment: Environment) -> Iterator[tuple[Key, Sequence[Cidr]]]:
    """Every list of CIDRs that traffic comes from or goes to."""
    access = environment.access
    yield ("access", "ssh", "allowed_from"), access.ssh.allowed_from
    yield ("access", "api", "allowed_from"), access.api.allowed_from
    yield ("access", "node_ports_from"), access.node_ports_from
    yield ("access", "egress_to"), access.egress_to
    for key, rule in own_rules(environment):
        yield (*key, "sources"), rule.sources


def ipv6_comes_where_there_is_ipv6(environment: Environment) -> Iterator[Finding]:
    """A rule for IPv6 without IPv6 lets nothing in; it was meant otherwise."""
    if environment.network.nodes_ipv6:
        return
    for key, cidrs in sources(environment):
        for place, cidr in enumerate(cidrs):
            if cidr.version == 6:
                yield Finding(
                    key=(*key, place),
                    message=f"{cidr} is IPv6, and the nodes have no IPv6",
                    suggestion="leave it out; or give network.nodes_ipv6",
                )


def security_groups_hold(environment: Environment) -> Iterator[Finding]:
    """Where no network has port security nothing is kept out, whatever is written to let it in."""
    network, access = environment.network, environment.access
    if network.port_security or any(each.port_security for each in network.additional.values()):
        return
    balanced = access.api.endpoint == "load-balancer"  # whose listener keeps out by itself
    written: dict[Key, object] = {
        ("access", "ssh", "allowed_from"): access.ssh.allowed_from != ANYWHERE,
        ("access", "api", "allowed_from"): access.api.allowed_from != ANYWHERE and not balanced,
        ("access", "node_ports_from"): access.node_ports_from,
        ("access", "egress_to"): access.egress_to,
        ("access", "bastion", "rules"): access.bastion and access.bastion.rules,
    }
    for part in parts(environment):
        written[*part.key, "rules"] = part.group.rules
        written[*part.key, "security_groups"] = part.group.security_groups
    for key, value in written.items():
        if value:
            yield Finding(
                key=key,
                message="has no effect: no network has port security, by",
                other=("network", "port_security"),
                suggestion="leave it out; or port_security: true",
            )


def node_ports_have_workers(environment: Environment) -> Iterator[Finding]:
    """NodePorts are let in to the pools' nodes."""
    if environment.access.node_ports_from and not environment.nodes.pools:
        yield Finding(
            key=("access", "node_ports_from"),
            message="NodePorts are let in to workers, and there is no pool",
            suggestion="leave it out; or add one under nodes.pools",
        )


def nodes_may_call_what_they_are_told_to(environment: Environment) -> Iterator[Finding]:
    """Resolvers and time servers are among what nodes may call."""
    access = environment.access
    told: list[tuple[Key, IPv4Address | IPv6Address]] = [
        (("network", "dns_servers", place), server)
        for place, server in enumerate(environment.network.dns_servers)
    ]
    upstream = environment.kubernetes.dns.upstream
    told += [(("kubernetes", "dns", "upstream", place), server) for place, server in enumerate(upstream)]
    for place, name in enumerate(access.time_servers):
        if (address := _address(name)) is not None:
            told.append((("access", "time_servers", place), address))
    for key, address in told:
        if access.egress_to and not any(address in cidr for cidr in access.egress_to):
            yield Finding(
                key=key,
                message=f"nodes may not call {address}: it is in none of the CIDRs of",
                other=("access", "egress_to"),
                suggestion=f"add {address}/{address.max_prefixlen} there",
            )


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


ACCESS = (
    the_endpoint_reaches_every_node,
    settings_of_the_endpoint_belong_to_it,
    ssh_comes_from_somewhere,
    ssh_is_for_an_ordinary_user,
    rules_name_ports_that_there_are,
    ipv6_comes_where_there_is_ipv6,
    security_groups_hold,
    node_ports_have_workers,
    nodes_may_call_what_they_are_told_to,
)
