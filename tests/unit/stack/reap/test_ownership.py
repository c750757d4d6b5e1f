"""Whose something on a cloud is."""

from typing import Any

import pytest
from openstack.block_storage.v3.snapshot import Snapshot
from openstack.block_storage.v3.volume import Volume
from openstack.compute.v2.keypair import Keypair
from openstack.compute.v2.server import Server
from openstack.compute.v2.server_group import ServerGroup
from openstack.load_balancer.v2.load_balancer import LoadBalancer
from openstack.network.v2.floating_ip import FloatingIP
from openstack.network.v2.network import Network
from openstack.network.v2.port import Port
from openstack.network.v2.security_group import SecurityGroup

from terp.stack.reap.ownership import ours

PROJECT = "mine"
STACK = "smoke-3fa94c-until-20261128t1203z"
CSI = "cinder.csi.openstack.org/cluster"


def owners(recorded: tuple[str, ...] = (), **listed: Any) -> dict[str, str]:
    """The stack by id of what is found; kinds are written with _ for a blank."""
    found = ours(
        {kind.replace("_", " ").replace(" ip", " IP"): [each] for kind, each in listed.items()},
        PROJECT,
        recorded,
    )
    return {thing.id: thing.stack for thing, _ in found}


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("server", Server(id="1", name="x", metadata={"terp_stack": "prod"})),
        ("network", Network(id="1", name="x", description="terp:stack=prod", project_id=PROJECT)),
        ("port", Port(id="1", name="x", tags=["terp:role=worker", "terp:stack=prod"], project_id=PROJECT)),
    ],
)
def test_a_mark_tells_the_stack(kind: str, thing: Any) -> None:
    assert owners(**{kind: thing}) == {"1": "prod"}


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("server", Server(id="1", name="prod-cpu-0", metadata={"owner": "terp_stack"})),
        ("network", Network(id="1", name="prod-nodes", description="was terp:stack=prod")),
        ("network", Network(id="1", name="prod-nodes", description="terp:stack=prod and more")),
        ("network", Network(id="1", name="x", description="terp:stack=prod", project_id="another")),
        ("keypair", Keypair(id="1", name="prod")),
        ("keypair", Keypair(id="1", name=f"{STACK}-backup")),
        ("server_group", ServerGroup(id="1", name="prod-cpu")),
        ("server_group", ServerGroup(id="1", name=f"old {STACK}-cpu")),
    ],
)
def test_what_only_looks_like_ours_is_not(kind: str, thing: Any) -> None:
    assert owners(**{kind: thing}) == {}


def of_cluster(name: str) -> dict[str, Any]:
    return {
        "load_balancer": LoadBalancer(
            id="balancer", name=f"kube_service_{name}_default_web", project_id=PROJECT
        ),
        "floating_ip": FloatingIP(
            id="address",
            description=f"Floating IP for Kubernetes external service default/web from cluster {name}",
        ),
        "security_group": SecurityGroup(
            id="group", description=f"Security Group for default/web Service LoadBalancer in cluster {name}"
        ),
        "volume": Volume(id="volume", name="pvc-1", metadata={CSI: name}),
        "snapshot": Snapshot(id="snapshot", name="snapshot-1", metadata={CSI: name}, volume_id="volume"),
    }


def test_a_cluster_s_things_are_its_stack_s_when_that_is_known() -> None:
    every = {"balancer", "address", "group", "volume", "snapshot"}
    assert owners(**of_cluster(STACK)) == dict.fromkeys(every, STACK)
    assert owners(("prod",), **of_cluster("prod")) == dict.fromkeys(every, "prod")
    server = Server(id="server", metadata={"terp_stack": "prod"})
    assert owners(server=server, **of_cluster("prod")) == dict.fromkeys({*every, "server"}, "prod")


@pytest.mark.parametrize("cluster", ["kubernetes", "prod-2", f"{STACK}-x"])
def test_others_clusters_are_others(cluster: str) -> None:
    assert owners(("prod",), **of_cluster(cluster)) == {}


def test_what_has_no_place_for_a_mark_is_known_by_the_lifetime_in_its_name() -> None:
    assert owners(keypair=Keypair(name=STACK)) == {STACK: STACK}
    assert owners(server_group=ServerGroup(id="1", name=f"{STACK}-cpu")) == {"1": STACK}


def test_an_interface_of_our_network_on_a_router_of_another_is_ours() -> None:
    network = Network(id="net", description="terp:stack=prod")
    port = Port(id="1", network_id="net", device_owner="network:router_interface", device_id="theirs")
    dhcp = Port(id="2", network_id="net", device_owner="network:dhcp")
    found = ours({"network": [network], "port": [port, dhcp]}, PROJECT, ())
    assert [(thing.kind, thing.id) for thing, _ in found] == [("network", "net"), ("interface", "1")]
