"""Who may connect to whom: from one declaration, the policies of both ends."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.gitops.platforms import platform
from tests.unit.gitops.selections import FACTS, component, known, selection

from terp.gitops.component import Component
from terp.gitops.facts import facts_of, words
from terp.gitops.flows import PodsRule, Policy, Rule, connections, joined, policy, policy_of_tenants
from terp.gitops.reading import read_catalogue
from terp.gitops.selection import Selection, select
from terp.gitops.surroundings import OPEN
from terp.gitops.wiring import lists

NAME = "kubernetes.io/metadata.name"
TENANTS = {"app.kubernetes.io/part-of": "kubeflow-profile"}
DATABASE = {"name": "db", "database": "app", "size": "1Gi"}
CATALOGUE = read_catalogue()


def of(name: str, selected: Selection) -> Policy:
    words = known(selected)
    return policy(name, selected, connections(selected, words, FACTS), words, FACTS)


def between(namespace: str, *ports: int) -> Rule:
    return Rule(namespaces={NAME: namespace}, ports=ports or None)


def flow(to: str, *ports: int) -> dict[str, Any]:
    return {"flows": [{"to": to, "ports": ports}]}


def two(**keys: Any) -> dict[str, Component]:
    """A web server, and one that has these keys."""
    return {"web": component(namespace="web", **keys), "store": component(namespace="store")}


def test_a_flow_opens_both_ends():
    found = selection(**two(**flow("store", 5000)))
    assert of("web", found) == Policy(ingress=(), egress=(between("store", 5000),))
    assert of("store", found) == Policy(ingress=(between("web", 5000),), egress=())


def test_nothing_is_open_that_no_flow_names():
    assert of("store", selection(**two())) == Policy(ingress=(), egress=())


def test_a_flow_to_what_the_environment_does_not_have_opens_nothing():
    assert of("web", selection(web=component(**flow("harbor", 1)))) == Policy(ingress=(), egress=())


def test_within_a_namespace_nothing_has_to_be_opened():
    found = selection(one=component(**flow("two", 1)), two=component())
    assert of("one", found) == of("two", found) == Policy(ingress=(), egress=())


def test_a_flow_to_a_capability_leads_to_who_provides_it():
    stores = {
        "minio": component(namespace="minio", provides={"s3": "https://minio.minio.svc"}),
        "seaweedfs": component(namespace="seaweedfs", provides={"s3": "http://s3.seaweedfs.svc"}),
    }
    reader = component(namespace="reader", **flow("s3", 9000, 8333))
    found = selection({"s3": "seaweedfs"}, reader=reader, **stores)
    assert of("reader", found).egress == (between("seaweedfs", 8333, 9000),)
    assert of("seaweedfs", found).ingress == (between("reader", 8333, 9000),)


@pytest.mark.parametrize(
    ("address", "port"), [("https://s3.example.org", 443), ("https://s3.example.org:9443/a", 9443)]
)
def test_a_capability_from_outside_is_reached_at_the_port_of_its_address(address: str, port: int):
    found = selection({"s3": address}, reader=component(**flow("s3", 9000)))
    assert of("reader", found).egress == (Rule(address="0.0.0.0/0", ports=(port,)),)


def test_a_capability_outside_that_is_a_name_alone_is_reached_at_the_ports_of_the_flow():
    found = selection({"mysql": "mysql.example.org"}, reader=component(**flow("mysql", 3306)))
    assert of("reader", found).egress == (Rule(address="0.0.0.0/0", ports=(3306,)),)


def test_what_lies_behind_the_gateway_is_reached_through_it():
    """Its name leads to the balancer before the gateway; some clusters take the way inside."""
    found = selection(
        keycloak=component(namespace="keycloak", provides={"oidc": "https://login.{domain}/realms/a"}),
        istio_ingressgateway=component(namespace="istio-system", public_ports=[443]),
        web=component(namespace="web", **flow("oidc", 8080)),
    )
    assert of("web", found).egress == (
        Rule(address="0.0.0.0/0", ports=(443,)),
        between("istio-system", 443),
        between("keycloak", 8080),
    )


@pytest.mark.parametrize(
    ("to", "rule"),
    [
        ("kubernetes", Rule(ports=(6443,))),  # on the network of its node, where no selector finds it
        ("outside", Rule(address="0.0.0.0/0", ports=(6443,))),
        ("tenants", Rule(namespaces=TENANTS, ports=(6443,))),
    ],
)
def test_flows_lead_to_places(to: str, rule: Rule):
    assert of("web", selection(web=component(**flow(to, 6443)))).egress == (rule,)


def test_the_api_server_calls_webhooks_from_anywhere():
    ports = {"webhook_ports": [9443], "public_ports": [443]}
    assert of("web", selection(web=component(**ports))).ingress == (Rule(ports=(443, 9443)),)


def test_people_reach_the_ports_that_are_theirs():
    found = selection(web=component(tenant_ports=[8888]))
    assert of("web", found).ingress == (Rule(namespaces=TENANTS, ports=(8888,)),)


def test_prometheus_reads_metrics_where_it_is_there():
    metrics = {"metrics": [9090]}
    prometheus = component(namespace="monitoring")
    found = selection(kube_prometheus_stack=prometheus, **two(**metrics))
    assert of("web", found).ingress == (between("monitoring", 9090),)
    assert of("kube-prometheus-stack", found).egress == (between("web", 9090),)
    assert of("web", selection(**two(**metrics))).ingress == ()


def test_the_gateway_reaches_what_has_a_route():
    """At any port: a route names that of the service, a policy that of its pods."""
    gateway = component(namespace="istio-system")
    route = {"routes": [{"host": "web", "service": "web", "port": 80}]}
    found = selection(istio_ingressgateway=gateway, **two(**route))
    assert of("web", found).ingress == (between("istio-system"),)
    assert of("istio-ingressgateway", found).egress == (between("web"),)


def test_databases_are_run_by_their_operator_and_ask_the_api_server():
    operator = component(namespace="cnpg-system", provides={"postgres": "clusters"})
    found = selection(cloudnative_pg=operator, **two(databases=[DATABASE], **flow("postgres", 5432)))
    assert of("web", found) == Policy(ingress=(between("cnpg-system", 8000),), egress=(Rule(ports=(6443,)),))
    assert of("cloudnative-pg", found).egress == (between("web", 8000),)


def test_databases_connect_as_their_backups_do():
    plugin = component(namespace="cnpg-system", **flow("s3", 9000))
    minio = component(namespace="minio", provides={"s3": "https://minio.minio.svc"})
    found = selection(plugin_barman_cloud=plugin, minio=minio, web=component(databases=[DATABASE]))
    assert between("minio", 9000) in of("web", found).egress
    assert between("app", 9000) in of("minio", found).ingress


def test_an_ambient_mesh_has_a_port_of_its_own():
    found = selection(istio_ztunnel=component(namespace="istio-system"), **two(**flow("store", 5000)))
    assert of("web", found).egress == (between("store", 5000, 15008),)


def test_rules_for_one_peer_are_one():
    assert joined([between("a", 2), between("b", 1), between("a", 1), between("a", 2)]) == (
        between("a", 1, 2),
        between("b", 1),
    )
    assert joined([between("a", 2), between("a")]) == (between("a"),)


@pytest.mark.parametrize("profile", ["small", "ha"])
def test_in_the_platform_what_one_end_begins_the_other_takes(profile: str):
    chosen, everything = platform(profile=profile), read_catalogue()
    selected = select(everything, chosen)
    facts = facts_of("test", chosen)
    told = words(facts, lists(selected, facts), everything, selected.providers)
    found = connections(selected, told, facts)
    assert found
    policies = {name: policy(name, selected, found, told, facts) for name in selected.components}
    namespaces = {name: each.namespace for name, each in selected.components.items()}
    for source, target, ports in found:
        out = _ports(policies[source].egress, namespaces[target])
        into = _ports(policies[target].ingress, namespaces[source])
        for side in (out, into):
            assert side is None or (ports is not None and set(ports) <= side), (source, target)


def _ports(rules: tuple[Rule, ...], namespace: str) -> set[int] | None:
    (rule,) = [each for each in rules if each.namespaces == {NAME: namespace}]
    return set(rule.ports) if rule.ports else None


def test_the_namespaces_that_stay_open_are_few():
    assert {"kube-system", "argocd"} == OPEN


def test_people_reach_what_serves_them_and_are_reached_by_what_says_so():
    found = of_tenants(
        with_gateway(
            store=component(namespace="store", tenant_ports=[9000]),
            closed=component(namespace="closed", metrics=[1]),
            culler=component(namespace="culler", **flow("tenants", 8888)),
        )
    )
    assert found.ingress == (between("culler", 8888),)
    assert found.egress == (
        Rule(ports=(6443,)),
        between("istio-system", 443),
        between("store", 9000),
        Rule(address="0.0.0.0/0", without=("169.254.169.254/32",), ports=(80, 443)),
    )


def test_people_reach_some_pods_of_a_namespace_where_others_are_not_for_them():
    pods = {"labels": {"app": "api"}, "ports": [8888]}
    found = with_gateway(web=component(namespace="web", tenant_pods=[pods]))
    assert of("web", found) == Policy(
        ingress=(),
        egress=(),
        pods=(PodsRule(labels={"app": "api"}, rule=Rule(namespaces=TENANTS, ports=(8888,))),),
    )
    assert between("web", 8888) in of_tenants(found).egress


def test_people_reach_no_port_of_kubeflow_without_a_label():
    """Its namespace has pods that would hand out the keys of every team."""
    kubeflow = (each for each in CATALOGUE.components.values() if each.namespace == "kubeflow")
    assert [each.description for each in kubeflow if each.tenant_ports] == []


def test_people_reach_the_port_of_the_proxy():
    selected = with_gateway()
    told = {**known(selected), "proxy": "http://proxy.example.org:3128"}
    assert policy_of_tenants(selected, told).egress[-1].ports == (80, 443, 3128)


def test_people_reach_the_port_of_an_object_storage_outside():
    outside = of_tenants(with_gateway({"s3": "https://s3.example.org:9443"})).egress[-1]
    assert outside.ports == (80, 443, 9443)


def with_gateway(providers: Mapping[str, str] | None = None, /, **components: Component) -> Selection:
    gateway = component(namespace="istio-system", public_ports=[443])
    return selection(providers or {}, istio_ingressgateway=gateway, **components)


def of_tenants(selected: Selection) -> Policy:
    return policy_of_tenants(selected, known(selected))
