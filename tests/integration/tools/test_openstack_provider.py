"""The OpenStack provider that is built here, against the embedded cloud: what the next layer stands on."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from terp.command import Command
from tests.integration.cloud.conftest import EmbeddedCloud, remove_everything
from tests.integration.tools.conftest import Stack

pytestmark = [pytest.mark.tools, pytest.mark.cloud]

SITE = """
import pulumi
import pulumi_openstack as openstack

nodes = pulumi.Config().require_int("nodes")
external = openstack.networking.get_network(name="public")
network = openstack.networking.Network("nodes")
subnet = openstack.networking.Subnet("nodes", network_id=network.id, cidr="10.30.0.0/24", ip_version=4)
router = openstack.networking.Router("edge", external_network_id=external.id)
joined = openstack.networking.RouterInterface("edge", router_id=router.id, subnet_id=subnet.id)
group = openstack.networking.SecGroup("nodes", delete_default_rules=True)
openstack.networking.SecGroupRule(
    "ssh",
    security_group_id=group.id,
    direction="ingress",
    ethertype="IPv4",
    protocol="tcp",
    port_range_min=22,
    port_range_max=22,
)
spread = openstack.compute.ServerGroup("nodes", policies="anti-affinity")
image = openstack.images.get_image(most_recent=True)
for number in range(nodes):
    name = f"node-{number}"
    port = openstack.networking.Port(
        name, network_id=network.id, security_group_ids=[group.id], fixed_ips=[{"subnet_id": subnet.id}]
    )
    server = openstack.compute.Instance(
        name,
        flavor_name="m1.tiny",
        image_id=image.id,
        networks=[{"port": port.id}],
        scheduler_hints=[{"group": spread.id}],
    )
    volume = openstack.blockstorage.Volume(name, size=1)
    openstack.compute.VolumeAttach(name, instance_id=server.id, volume_id=volume.id)
    pulumi.export(name, server.access_ip_v4)
balancer = openstack.loadbalancer.LoadBalancer("api", vip_subnet_id=subnet.id)
openstack.loadbalancer.Listener("api", loadbalancer_id=balancer.id, protocol="TCP", protocol_port=6443)
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("records"), hosts=False) as cloud:
        yield cloud


def pointed_at(cloud: EmbeddedCloud, pulumi: Command) -> Command:
    env = {
        **pulumi.env,
        "OS_CLIENT_CONFIG_FILE": str(cloud.state.path("clouds.yaml")),
        "OS_CLOUD": "embedded",
    }
    return Command(pulumi.argv, timeout=pulumi.timeout, env=env, cwd=pulumi.cwd)


def test_a_site_is_made_grows_and_goes_as_an_ordinary_member(
    cloud: EmbeddedCloud, stack: Stack, tmp_path: Path
) -> None:
    pulumi = pointed_at(cloud, stack(SITE))
    quiet = ("--yes", "--non-interactive", "--skip-preview")
    pulumi.run("config", "set", "nodes", "1")
    pulumi.run("up", *quiet)
    pulumi.run("up", *quiet, "--expect-no-changes", "--refresh")
    pulumi.run("config", "set", "nodes", "2")
    pulumi.run("up", *quiet)
    member = cloud.connect()
    servers = {server.name.rpartition("-")[0]: server for server in member.compute.servers()}
    assert set(servers) == {"node-0", "node-1"}
    assert all(server.status == "ACTIVE" and server.attached_volumes for server in servers.values())
    outputs = json.loads(pulumi.output("stack", "output", "--json"))
    assert all(address.startswith("10.30.0.") for address in outputs.values())
    pulumi.run("destroy", *quiet)
    assert list(member.compute.servers()) == []
    assert list(member.block_storage.volumes()) == []
    remove_everything(member)
