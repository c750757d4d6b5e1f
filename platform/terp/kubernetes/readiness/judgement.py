"""From what hosts say to findings: pure functions, one for each thing that goes wrong."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from itertools import chain

from terp.kubernetes.model import Node
from terp.kubernetes.readiness.facts import Clock, Contact, Facts
from terp.kubernetes.readiness.finding import Finding, error, warning
from terp.kubernetes.readiness.needs import Needs

SKEW = 2.0
"""Seconds that clocks may differ."""
SLOW_DISK = 10
"""Times the wanted fsync latency at which etcd loses its leader."""
MEMORY = {"control-plane": 1500, "worker": 1024}
"""MiB that Kubespray asserts (`minimal_master_memory_mb`, `minimal_node_memory_mb`)."""
FREE = {"/var/lib/etcd": 2.0, "/var/lib/containerd": 5.0, "/var/lib/kubelet": 1.0}
"""GiB without which the first images and etcd's quota (2 GiB, etcd "System limits") do not fit."""
KERNEL = (4, 19)
"""Kubernetes with a current containerd; cgroup v2 alone wants 5.8."""
SESSIONS = 10
"""What Ansible and a person open on one connection, and OpenSSH's own default."""
NAMED = 3
"""Callers that a finding names; it counts the others."""


def judge(node: Node, facts: Facts, needs: Needs) -> tuple[Finding, ...]:
    """Everything that is to be said of one host by itself."""
    found = (
        _cloud_init(node, facts),
        _name(node, facts),
        _address(node, facts),
        _clock(node, facts),
        _resolvers(node, facts),
        _downloads(node, facts),
        _disk(node, facts, needs),
        _kernel(node, facts, needs),
        _swap(node, facts),
        _packages(node, facts),
        _sessions(node, facts),
        _firewall(node, facts),
        _memory(node, facts),
    )
    new = () if node.name in needs.members else (_networks(node, facts, needs), _leftovers(node, facts))
    return tuple(chain(*found, *new))


def judge_clocks(clocks: Mapping[str, Clock]) -> Iterator[Finding]:
    """Hosts whose clock is surely not the one that most can have (Marzullo's algorithm, 1984).

    Certificates and etcd need the same clock; slow answers make it uncertain, and accuse nobody.
    """
    can_have = {each.least: sum(each.least in clock for clock in clocks.values()) for each in clocks.values()}
    for host, clock in clocks.items():
        most_have = max(can_have, key=can_have.__getitem__)
        ahead = min(max(most_have, clock.least), clock.most) - most_have
        if abs(ahead) > SKEW:
            said = f"its clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the other hosts'"
            yield error(
                host, "clock", said, "time synchronisation: chrony or systemd-timesyncd, with a server"
            )


def judge_jump(jump: Node, facts: Facts, connections: int) -> Iterator[Finding]:
    """The bastion passes on the connections to all hosts that a playbook works on at once."""
    yield from _startups(jump.name, facts, connections)


def judge_silences(facts: Mapping[str, Facts]) -> Iterator[Finding]:
    """Who cannot be reached by others: one finding for a host and a port.

    Of hosts that said nothing, that is said already. A UDP port with a listener may be silent and open.
    """
    callers: dict[Contact, dict[str, str]] = {}
    for host, own in facts.items():
        for silence in own.silences:
            contact = silence.contact
            listens = (
                contact.protocol == "udp"
                and contact.to in facts
                and contact.port in facts[contact.to].udp_ports
            )
            if contact.to in facts and not listens:
                callers.setdefault(contact, {})[host] = silence.problem
    for contact, problems in callers.items():
        yield _unreached(contact, problems)


def _unreached(contact: Contact, problems: Mapping[str, str]) -> Finding:
    """`problems` are those of its callers, by their names."""
    first, *_ = problems.values()
    more = len(problems) - NAMED
    callers = ", ".join(list(problems)[:NAMED]) + (f" and {more} more" if more > 0 else "")
    if contact.protocol == "mtu":
        said = f"packets of the full size from {callers} are not answered: {first}"
        right = "one MTU on all interfaces and links between the nodes, and a security group that allows ICMP"
        return error(contact.to, "mtu", said, right)
    port = f"{contact.port}/{contact.protocol}"
    said = f"{port} at {contact.address} cannot be reached from {callers}: {first}"
    return error(contact.to, "ports", said, f"a security group that allows {port} among the nodes")


def _cloud_init(node: Node, facts: Facts) -> Iterator[Finding]:
    if facts.cloud_init in ("running", "not run", "not started"):
        said = f"it has not ended: {facts.cloud_init}"
        yield error(node.name, "cloud-init", said, "wait: cloud-init status --wait")
    elif facts.cloud_init.startswith("error"):
        yield error(node.name, "cloud-init", "it failed", "cloud-init status --long says why")


def _name(node: Node, facts: Facts) -> Iterator[Finding]:
    if facts.hostname != node.name:
        said = f"its host name is {facts.hostname}"
        right = f"hostnamectl set-hostname {node.name}: OpenStack's cloud controller knows no other"
        yield error(node.name, "name", said, right)
    if facts.server_name and facts.server_name != node.name:
        said = f"the cloud's name of the server is {facts.server_name}"
        yield error(node.name, "name", said, "server, host and node have one name")


def _address(node: Node, facts: Facts) -> Iterator[Finding]:
    if str(node.address) not in facts.mtus:
        has = ", ".join(address for address in sorted(facts.mtus) if not ip_address(address).is_loopback)
        said = f"{node.address} is on none of its interfaces; it has {has}"
        yield error(node.name, "address", said, "the address of the node is one of its own: no floating IP")


def _clock(node: Node, facts: Facts) -> Iterator[Finding]:
    if facts.clock_kept is False:
        right = "chrony or systemd-timesyncd, running"
        yield error(node.name, "time", "nothing keeps its clock", right)


def _resolvers(node: Node, facts: Facts) -> Iterator[Finding]:
    right = "name servers of the subnet: network.dns_servers"
    if not facts.resolvers:
        yield error(node.name, "dns", "it has no name server", right)
    for resolver in facts.resolvers:
        if ip_address(resolver.partition("%")[0]).is_loopback:
            said = f"its name server is {resolver}, which in a pod is the pod itself: CoreDNS would loop"
            yield error(node.name, "dns", said, right)
    for name, problem in facts.unresolved.items():
        yield error(node.name, "dns", f"{name} is not resolved: {problem}", right)


def _downloads(node: Node, facts: Facts) -> Iterator[Finding]:
    for url, problem in facts.unreached.items():
        right = "a route or a proxy that leads there, or an offline mirror: kubernetes.mirror"
        yield error(node.name, "downloads", f"{url} cannot be reached: {problem}", right)


def _disk(node: Node, facts: Facts, needs: Needs) -> Iterator[Finding]:
    etcd = "etcd" in node.roles
    for path, least in FREE.items():
        wanted = etcd if path == "/var/lib/etcd" else set(node.roles) != {"etcd"}
        if wanted and facts.free[path] < least:
            said = f"{facts.free[path]:.1f} GiB are free for {path}"
            yield error(node.name, "disk", said, f"at least {least:.0f} GiB: a larger root disk or a volume")
    if etcd and facts.fsync_p99 > needs.fsync:
        said = f"a small write takes up to {facts.fsync_p99 * 1000:.0f} ms on the disk of etcd (99 %)"
        right = f"at most {needs.fsync * 1000:.0f} ms: a volume of a fast type for etcd"
        judged = error if facts.fsync_p99 > SLOW_DISK * needs.fsync else warning
        yield judged(node.name, "disk", said, right)


def _kernel(node: Node, facts: Facts, needs: Needs) -> Iterator[Finding]:
    version = tuple(map(int, re.findall(r"\d+", facts.kernel)[:2]))
    if version < KERNEL:
        right = f"Linux {KERNEL[0]}.{KERNEL[1]} or later: a current image"
        yield error(node.name, "kernel", f"it runs Linux {facts.kernel}", right)
    if facts.cgroup == 1 and not needs.cgroup_v1:
        yield error(node.name, "kernel", "it runs with cgroup v1", "cgroup v2: a current image")
    if facts.missing_modules:
        said = f"its kernel lacks {', '.join(facts.missing_modules)}"
        yield error(node.name, "kernel", said, "the full kernel package of the distribution")


def _swap(node: Node, facts: Facts) -> Iterator[Finding]:
    """The playbooks turn it off, and what relied on it is killed."""
    if facts.swap:
        yield warning(node.name, "swap", f"it swaps to {', '.join(facts.swap)}", "no swap: swapoff -a, fstab")


def _packages(node: Node, facts: Facts) -> Iterator[Finding]:
    for file, holder in facts.package_locks.items():
        right = "wait for it; stop unattended upgrades during a run"
        yield error(node.name, "packages", f"{file} is held by {holder}", right)


def _sessions(node: Node, facts: Facts) -> Iterator[Finding]:
    sessions = facts.sshd.get("maxsessions")
    if sessions and int(sessions) < SESSIONS:
        yield error(node.name, "sshd", f"MaxSessions is {sessions}", f"at least {SESSIONS}, its default")
    yield from _startups(node.name, facts, SESSIONS)


def _startups(host: str, facts: Facts, connections: int) -> Iterator[Finding]:
    startups = facts.sshd.get("maxstartups", "")
    if startups and int(startups.partition(":")[0]) < connections:
        said = f"MaxStartups is {startups}, and {connections} connections may come at once: it drops some"
        yield error(host, "sshd", said, f"MaxStartups {connections}:30:{4 * connections}")


def _firewall(node: Node, facts: Facts) -> Iterator[Finding]:
    if facts.firewall:
        right = (
            "disable it: security groups filter already, and kube-proxy and the CNI have rules of their own"
        )
        yield warning(node.name, "firewall", f"{facts.firewall} is active", right)


def _memory(node: Node, facts: Facts) -> Iterator[Finding]:
    least = max((MEMORY.get(role, 0) for role in node.roles), default=0)
    if facts.memory < least:
        yield error(node.name, "memory", f"it has {facts.memory} MiB", f"at least {least}: a larger flavor")


def _networks(node: Node, facts: Facts, needs: Needs) -> Iterator[Finding]:
    routes = [ip_network(route, strict=False) for route in facts.routes]
    for name, network in needs.networks:
        if inside := [str(route) for route in routes if route.overlaps(network)]:
            said = f"it has a route to {', '.join(inside)}, which overlaps {network}, the network of {name}"
            right = "network.kubernetes: ranges that no host has a route to"
            yield error(node.name, "networks", said, right)


def _leftovers(node: Node, facts: Facts) -> Iterator[Finding]:
    if facts.leftovers:
        said = f"it has been a node of another cluster: {', '.join(facts.leftovers)}"
        yield error(node.name, "leftovers", said, "a fresh server, or reset.yml on this one")
