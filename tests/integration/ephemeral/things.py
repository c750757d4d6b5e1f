"""What a stack, its cluster, or somebody else has on a cloud, made by hand and as small as can be."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from openstack.connection import Connection

from terp.openstack.marks import Marks
from tests.integration.cloud.conftest import remove_everything
from tests.integration.openstack.site import IMAGE, everything

Ids = set[tuple[str, str]]
"""Kind and id."""


def ids(member: Connection) -> Ids:
    """Everything that the project has."""
    found = {(kind, str(each.id)) for kind, every in everything(member).items() for each in every}
    return found | {("snapshots", str(each.id)) for each in member.block_storage.snapshots()}


@contextmanager
def cleared(member: Connection) -> Iterator[None]:
    """Whatever a test leaves goes afterwards."""
    try:
        yield
    finally:
        for balancer in member.load_balancer.load_balancers():
            member.load_balancer.delete_load_balancer(balancer, cascade=True)
            member.load_balancer.wait_for_delete(balancer, interval=0.3, wait=60)
        remove_everything(member)


def of_a_stack(member: Connection, stack: str, *, marked: bool = True) -> None:
    """What Terp makes, one of each kind; without marks it is only called like it."""
    marks = Marks(stack=stack, owner="tests")
    description = marks.description if marked else "of somebody else"
    metadata = marks.metadata("worker") if marked else {"owner": "somebody else"}
    network = member.network.create_network(name=f"{stack}-nodes", description=description)
    subnet = member.network.create_subnet(
        network_id=network.id,
        name=f"{stack}-nodes",
        ip_version=4,
        cidr="10.50.0.0/24",
        description=description,
    )
    external = member.network.find_network("public")
    router = member.network.create_router(
        name=f"{stack}-edge", description=description, external_gateway_info={"network_id": external.id}
    )
    member.network.add_interface_to_router(router, subnet=subnet.id)
    group = member.network.create_security_group(name=f"{stack}-node", description=description)
    port = member.network.create_port(
        network_id=network.id, name=f"{stack}-cpu-0", description=description, security_groups=[group.id]
    )
    member.network.create_ip(floating_network_id=external.id, port_id=port.id, description=description)
    volume = member.block_storage.create_volume(name=f"{stack}-cpu-0-data", size=1, metadata=metadata)
    member.block_storage.wait_for_status(volume, "available", interval=0.3, wait=60)
    server = member.compute.create_server(
        name=f"{stack}-cpu-0",
        flavor_id=member.compute.find_flavor("m1.tiny").id,
        image_id=next(iter(member.image.images(name=IMAGE))).id,
        networks=[{"port": port.id}],
        metadata=metadata,
        user_data=base64.b64encode(b"#cloud-config\n").decode(),
    )
    member.compute.wait_for_server(server, wait=60, interval=0.3)
    member.compute.create_volume_attachment(server.id, volume_id=volume.id)
    member.block_storage.wait_for_status(volume, "in-use", interval=0.3, wait=60)


def of_a_cluster(member: Connection, cluster: str) -> None:
    """What the cloud controller and Cinder's plugin make of a Service and a claim."""
    (subnet, *_) = member.network.subnets(project_id=member.current_project_id)
    balancer = member.load_balancer.create_load_balancer(
        name=f"kube_service_{cluster}_default_web",
        description=f"Kubernetes external service default/web from cluster {cluster}",
        vip_subnet_id=subnet.id,
    )
    member.load_balancer.wait_for_load_balancer(balancer.id, interval=0.3, wait=60)
    member.network.create_ip(
        floating_network_id=member.network.find_network("public").id,
        port_id=balancer.vip_port_id,
        description=f"Floating IP for Kubernetes external service default/web from cluster {cluster}",
    )
    member.network.create_security_group(
        name="lb-sg-0d4c-default-web",
        description=f"Security Group for default/web Service LoadBalancer in cluster {cluster}",
    )
    metadata = {
        "cinder.csi.openstack.org/cluster": cluster,
        "csi.storage.k8s.io/pvc/namespace": "default",
        "csi.storage.k8s.io/pvc/name": "data",
    }
    volume: Any = member.block_storage.create_volume(name="pvc-9b1f", size=1, metadata=metadata)
    member.block_storage.wait_for_status(volume, "available", interval=0.3, wait=60)
    snapshot = member.block_storage.create_snapshot(volume_id=volume.id, name="snapshot-1", metadata=metadata)
    member.block_storage.wait_for_status(snapshot, "available", interval=0.3, wait=60)


def without_marks(member: Connection, stack: str) -> None:
    """What has no place for a mark: it is only called after the stack."""
    member.compute.create_keypair(name=stack)
    member.compute.create_server_group(name=f"{stack}-cpu", policy="soft-anti-affinity")
