"""What the checks are about, and two pods that talk to each other."""

import secrets
from collections.abc import Iterator

import pytest

from terp.kubernetes.acceptance import judgement, workloads
from terp.kubernetes.acceptance.api import SYSTEM, Api
from terp.kubernetes.acceptance.model import Target
from terp.kubernetes.acceptance.pods import Caller, Image, Server, run_pod
from terp.kubernetes.acceptance.session import API, TARGET

TO_GO = 90.0
"""Seconds until a namespace is gone."""
DNS_SERVICES = ("kube-dns", "coredns")
"""kubeadm's name of the Service, and Kubespray's."""


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Target:
    """What is checked."""
    return pytestconfig.stash[TARGET]


@pytest.fixture(scope="session")
def api(pytestconfig: pytest.Config) -> Api:
    """Its API."""
    return pytestconfig.stash[API]


@pytest.fixture(scope="session")
def namespace(api: Api) -> Iterator[str]:
    """A namespace that goes with all that is in it."""
    name = f"terp-test-{secrets.token_hex(3)}"
    api.core.create_namespace(workloads.namespace(name))
    yield name
    api.remove_namespace(name, TO_GO)


@pytest.fixture(scope="session")
def image(api: Api, target: Target) -> Image:
    """What the pods run."""
    name = target.image or judgement.image_of_dns(api.system_images())
    assert name, "no pod of CoreDNS in kube-system says which image there is: choose one with --image"
    return Image(name, judgement.having(name, api.images()))


@pytest.fixture(scope="session")
def server(api: Api, namespace: str, image: Image) -> Server:
    """A running server."""
    name = "server"
    api.core.create_namespaced_service(namespace, workloads.service(name))
    address, node = run_pod(api, namespace, name, image, workloads.server_corefile())
    return Server(name, address, node, api.service_address(name, namespace))


@pytest.fixture(scope="session")
def cluster_dns(api: Api) -> str:
    """The address of the cluster's DNS."""
    services = {
        each.metadata.name: each.spec.cluster_ip for each in api.core.list_namespaced_service(SYSTEM).items
    }
    address = next((services[name] for name in DNS_SERVICES if name in services), "")
    assert address, f"kube-system has no Service {' or '.join(DNS_SERVICES)}"
    return str(address)


@pytest.fixture(scope="session")
def caller(api: Api, namespace: str, image: Image, server: Server, cluster_dns: str) -> Caller:
    """A running client, away from the server if there is another node."""
    corefile = workloads.client_corefile(server.address, server.service, cluster_dns)
    _, node = run_pod(api, namespace, "client", image, corefile)
    return Caller(api, namespace, "client", node)
