"""How an environment is at this moment, layer by layer: its servers, its nodes, its Applications."""

from collections.abc import Mapping, Sequence

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from terp.errors import TerpError
from terp.gitops.cluster import Cluster
from terp.gitops.observation import SeenApplication, applications
from terp.kubernetes.model import SeenNode
from terp.model import Model
from terp.openstack.connection import connect
from terp.openstack.hosts import Host
from terp.stack.workflow import Deployment

MISSING = "missing"
"""Of a server, or of a node, that is in the state and nowhere else."""
ACTIVE = "ACTIVE"
OUTSIDE = ("bastion", "etcd")
"""Roles of hosts that are no nodes."""


class Member(Model):
    """A host. `server` is Nova's status; `node` is what the API says of it, nothing of one outside."""

    name: str
    role: str
    address: str
    server: str
    node: str = ""
    version: str = ""

    @property
    def well(self) -> bool:
        """Whether it runs, and is ready for pods if it is a node."""
        return self.server == ACTIVE and self.node in ("", "Ready")


class Status(Model):
    """An environment; `trouble` says what could not be asked."""

    stack: str
    hosts: tuple[Member, ...]
    applications: tuple[SeenApplication, ...] = ()
    trouble: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Whether everything is as it should be."""
        layers = (self.hosts, self.applications)
        return not self.trouble and all(each.well for layer in layers for each in layer)


def status(deployment: Deployment) -> Status:
    """Ask cloud and cluster; neither is changed.

    Raises:
        TerpError: the stack has no hosts yet, or its cloud does not answer.
    """
    outputs = deployment.outputs()
    workspace = deployment.workspace
    hosts = [Host.model_validate(host) for host in outputs["hosts"]]
    with connect(workspace.environment.cloud) as cloud:
        servers = {server.id: str(server.status) for server in cloud.compute.servers()}
    unasked = Status(stack=workspace.stack, hosts=members(hosts, servers, None))
    if not outputs.get("kubeconfig"):
        return unasked
    try:
        with Cluster(outputs["kubeconfig"]) as cluster:
            found = members(hosts, servers, cluster.api.nodes())
            return Status(stack=workspace.stack, hosts=found, applications=applications(cluster))
    except TerpError as error:
        return unasked.model_copy(update={"trouble": (error.message,)})
    except (ApiException, HTTPError) as error:  # it answered at first
        return unasked.model_copy(update={"trouble": (f"the API does not answer any more: {error}",)})


def members(
    hosts: Sequence[Host], servers: Mapping[str, str], nodes: Mapping[str, SeenNode] | None
) -> tuple[Member, ...]:
    """The hosts with what Nova says by id, and the API by name; `nodes` is None when nobody asked it."""
    return tuple(_member(host, servers.get(host.server_id, MISSING), nodes) for host in hosts)


def _member(host: Host, server: str, nodes: Mapping[str, SeenNode] | None) -> Member:
    member = Member(
        name=host.name, role=host.role, address=str(host.floating_ip or host.address), server=server
    )
    if nodes is None or host.role in OUTSIDE:
        return member
    node = nodes.get(host.name)
    if node is None:
        return member.model_copy(update={"node": MISSING})
    state = "Ready" if node.ready else "NotReady"
    return member.model_copy(update={"node": state, "version": node.version})
