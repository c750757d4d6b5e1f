"""From the OpenStack layer's hosts to the nodes of a cluster, in an order that grows at its end alone."""

from collections.abc import Iterable, Sequence

from terp.environment.environment import Environment
from terp.environment.nodes import Taint
from terp.kubernetes.model import Node, NodeRole
from terp.openstack.hosts import Host
from terp.openstack.servers import Role

CONTROL_PLANE_ALONE = Taint(key="node-role.kubernetes.io/control-plane", effect="NoSchedule")
"""What kubeadm puts on nodes of the control plane that take no ordinary pods."""


def nodes_of(
    hosts: Sequence[Host], environment: Environment, recorded: Sequence[str] = ()
) -> tuple[Node, ...]:
    """The nodes of the cluster: those of `recorded`, its names in order, then new ones as `hosts` has them.

    The first of the control plane and the first of etcd do for the others what is done once: a recorded order
    stays. Names that are gone are left out.
    """
    members = {host.name: host for host in hosts if host.role != "bastion"}
    ordered = dict.fromkeys([*(name for name in recorded if name in members), *members])
    return tuple(node_of(members[name], environment) for name in ordered)


def jump_of(hosts: Iterable[Host]) -> Node | None:
    """The bastion that SSH goes through, if there is one; it has no role in the cluster."""
    return next((_as_node(host, (), ()) for host in hosts if host.role == "bastion"), None)


def node_of(host: Host, environment: Environment) -> Node:
    """The node that a host becomes."""
    roles = roles_of(host.role, environment)
    return _as_node(host, roles, (*host.taints, *taints_of(roles)))


def taints_of(roles: Sequence[NodeRole]) -> tuple[Taint, ...]:
    """The taints that a node has by its roles, beside its own."""
    return (CONTROL_PLANE_ALONE,) if "control-plane" in roles and "worker" not in roles else ()


def roles_of(role: Role, environment: Environment) -> tuple[NodeRole, ...]:
    """The roles of a node by its server's; the control plane runs etcd unless it has nodes of its own."""
    nodes = environment.nodes
    match role:
        case "control-plane":
            etcd: tuple[NodeRole, ...] = () if nodes.etcd else ("etcd",)
            worker: tuple[NodeRole, ...] = ("worker",) if nodes.control_plane.schedulable else ()
            return ("control-plane", *etcd, *worker)
        case "etcd":
            return ("etcd",)
        case _:
            return ("worker",)


def _as_node(host: Host, roles: tuple[NodeRole, ...], taints: tuple[Taint, ...]) -> Node:
    return Node(
        name=host.name,
        roles=roles,
        address=host.address,
        address_ipv6=host.address_ipv6,
        access_address=host.access_address,
        user=host.user,
        host_key=host.host_key,
        labels=host.labels,
        taints=taints,
        inventory_groups=host.inventory_groups,
    )
