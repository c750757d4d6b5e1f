"""What the cluster asks of OpenStack: who its nodes are, volumes for claims, balancers for Services."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from terp.cloud.process import wait_for
from terp.kubernetes.acceptance.api import Api
from tests.integration.cluster.site import NODES, ClusterSite

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools, pytest.mark.timeout(1500)]

NAMESPACE = "openstack-test"
LABEL = "kept"
MARK = "/data/mark"
"""A file system within a file: the images at hand have no shell, but programs that write and read this."""


@pytest.fixture
def api(site: ClusterSite) -> Iterator[Api]:
    """The API, and a namespace whose volumes and balancers are gone from OpenStack afterwards."""
    api = site.api()
    api.core.create_namespace({"metadata": {"name": NAMESPACE}})
    yield api
    api.remove_namespace(NAMESPACE, 180)
    wait_for("volumes to go", lambda: not api.core.list_persistent_volume().items, 120)


def test_every_node_is_the_server_of_its_name(site: ClusterSite) -> None:
    servers = {server.name: server for server in site.cloud.connect().compute.servers()}
    nodes = {node.metadata.name: node for node in site.api().core.list_node().items}
    assert set(nodes) == NODES
    for name, node in nodes.items():
        assert node.spec.provider_id.endswith(f"/{servers[name].id}")
        assert node.metadata.labels["topology.kubernetes.io/zone"] == servers[name].availability_zone
        assert ("InternalIP", str(site.hosts[name].address)) in [
            (a.type, a.address) for a in node.status.addresses
        ]
        assert not [each for each in node.spec.taints or [] if "uninitialized" in each.key]


def test_a_claim_is_a_volume_that_outlives_its_pods(site: ClusterSite, api: Api) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    api.core.create_namespaced_persistent_volume_claim(NAMESPACE, claim)
    run(api, "writer", "mkfs.ext4", "-q", "-F", "-L", LABEL, MARK, "1M")
    bound = api.core.read_namespaced_persistent_volume_claim("data", NAMESPACE).spec.volume_name
    (volume,) = site.cloud.connect().block_storage.volumes()
    assert (volume.name, volume.size) == (bound, 1)
    api.core.delete_namespaced_pod("writer", NAMESPACE, grace_period_seconds=0)
    assert f'LABEL="{LABEL}"' in run(api, "reader", "blkid", "--probe", MARK)


def test_a_service_answers_at_a_floating_ip(site: ClusterSite, api: Api) -> None:
    corefile = ".:5353 {\n  health :8080\n}\n"
    api.core.create_namespaced_config_map(
        NAMESPACE, {"metadata": {"name": "web"}, "data": {"Corefile": corefile}}
    )
    api.core.create_namespaced_pod(
        NAMESPACE,
        pod(
            "web",
            [image(api, "coredns"), "-conf", "/configuration/Corefile"],
            {"configMap": {"name": "web"}},
            "/configuration",
        ),
    )
    service = {
        "metadata": {"name": "web"},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": "web"},
            "ports": [{"port": 80, "targetPort": 8080}],
        },
    }
    api.core.create_namespaced_service(NAMESPACE, service)

    def address() -> str:
        given = api.core.read_namespaced_service("web", NAMESPACE).status.load_balancer.ingress or []
        return str(given[0].ip) if given else ""

    wait_for("an address of the balancer", lambda: bool(address()), 180)
    assert address() in [each.floating_ip_address for each in site.cloud.connect().network.ips()]
    ask = ["curl", "--silent", "--noproxy", "*", "--max-time", "5", f"http://{address()}/health"]
    wait_for("an answer", lambda: subprocess.run(ask, capture_output=True, check=False).stdout == b"OK", 60)
    api.core.delete_namespaced_service("web", NAMESPACE)
    load_balancer = site.cloud.connect().load_balancer
    wait_for(
        "the balancer to go",
        lambda: not [each for each in load_balancer.load_balancers() if NAMESPACE in each.name],
        120,
    )


def image(api: Api, name: str) -> str:
    """An image that the nodes have."""
    return next(each for names in api.images().values() for each in names if f"/{name}:" in each)


def pod(name: str, command: list[str], volume: dict[str, Any], mount: str) -> dict[str, Any]:
    """A pod of an image with arguments, and one volume."""
    return {
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "restartPolicy": "Never",
            "containers": [
                {
                    "name": "only",
                    "image": command[0],
                    "imagePullPolicy": "Never",
                    "args": command[1:],
                    "volumeMounts": [{"name": "only", "mountPath": mount}],
                }
            ],
            "volumes": [{"name": "only", **volume}],
        },
    }


def run(api: Api, name: str, *command: str) -> str:
    """Run a program of the Cinder plugin's image, with the claim's volume, to its end; what it says."""
    claim = {"persistentVolumeClaim": {"claimName": "data"}}
    wanted = pod(name, [image(api, "cinder-csi-plugin"), *command], claim, "/data")
    api.core.create_namespaced_pod(NAMESPACE, wanted)

    def phase() -> str:
        return str(api.core.read_namespaced_pod(name, NAMESPACE).status.phase)

    wait_for(f"{name} to end", lambda: phase() in ("Succeeded", "Failed"), 180)
    said = str(api.core.read_namespaced_pod_log(name, NAMESPACE))
    assert phase() == "Succeeded", said
    return said
