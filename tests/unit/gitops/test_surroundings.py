"""What is made around a component, and in which order it comes."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.gitops.platforms import platform
from tests.unit.gitops.selections import FACTS, catalogue, component, known, selection

from terp.gitops.flows import Rule
from terp.gitops.reading import read_catalogue
from terp.gitops.root import root_values
from terp.gitops.selection import Selection, select
from terp.gitops.surroundings import Surroundings, surroundings

CATALOGUE = read_catalogue()
DATABASE = {"name": "db", "database": "app", "size": "1Gi"}
ROUTE = {"host": "web", "service": "web", "port": 80}
KEYS = [{"name": "a"}, {"name": "b", "origin": "copied", "copy_of": "store/other/c"}]
SECRET = {"name": "web", "description": "It.", "keys": KEYS}


def around(selected: Selection) -> Mapping[str, Surroundings]:
    return surroundings(selected, FACTS, known(selected))


def values(of: str, selected: Selection) -> dict[str, Any]:
    """As the chart gets them."""
    return around(selected)[of].model_dump(mode="json", by_alias=True, exclude_none=True)


def test_secrets_come_from_the_components_path_and_copies_from_that_of_the_original():
    assert values("web", selection(web=component(secrets=[SECRET])))["secrets"] == {
        "web": {
            "a": {"key": "platform/web/web", "property": "a"},
            "b": {"key": "platform/store/other", "property": "c"},
        }
    }


def test_a_component_that_declares_nothing_is_closed():
    assert values("web", selection(web=component())) == {"policy": {"ingress": [], "egress": []}}


@pytest.mark.parametrize("namespace", ["kube-system", "argocd"])
def test_namespaces_that_would_take_the_cluster_with_them_stay_open(namespace: str):
    assert around(selection(web=component(namespace=namespace))) == {}
    flows = {"flows": [{"to": "web", "ports": [1]}]}
    found = around(selection(web=component(namespace=namespace), other=component(namespace="b", **flows)))
    assert found.keys() == {"other"}


def test_components_of_one_namespace_have_their_own_each():
    names = [name for name, each in CATALOGUE.components.items() if each.namespace == "kubeflow"]
    everything = {name: True for name, each in CATALOGUE.components.items() if not each.provides}
    projects = {"vision": {"owner": "ada@example.org"}}
    wanted = platform(components=everything, projects=projects)
    applications = root_values("test", wanted, CATALOGUE).applications
    releases = [applications[name].spec.sources[-1].helm for name in names]
    assert len({each.release_name for each in releases if each}) == len(names) > 5


def test_a_certificate_is_of_the_service_by_its_names_in_the_cluster():
    declared = [{"secret": "web-tls", "service": "web"}]
    assert values("web", selection(web=component(certificates=declared)))["certificates"] == [
        {"secret": "web-tls", "names": ["web.app.svc", "web.app.svc.cluster.local"]}
    ]


def test_budgets_are_for_several_pods():
    declared = component(budgets=[{"name": "web", "labels": {"app": "web"}}])
    assert values("web", selection(web=declared))["budgets"] == [{"name": "web", "labels": {"app": "web"}}]
    selected = selection(web=declared)
    alone = surroundings(selected, FACTS.model_copy(update={"replicas": 1}), known(selected))
    assert alone["web"].budgets is None


def test_a_database_is_as_large_as_the_profile_has_it():
    (found,) = values("web", selection(web=component(databases=[DATABASE])))["databases"]
    assert found == {
        "name": "db",
        "database": "app",
        "size": "1Gi",
        "instances": 3,
        "requests": {"cpu": "100m", "memory": "512Mi"},
        "monitored": False,
    }


def test_a_database_is_watched_and_backed_up_where_what_does_that_is_there():
    found = selection(
        web=component(databases=[DATABASE]),
        prometheus_operator_crds=component(),
        plugin_barman_cloud=component(),
        trust_bundle=component(),
        minio=component(provides={"s3": "https://minio.minio.svc"}),
    )
    (database,) = values("web", found)["databases"]
    assert database["monitored"]
    assert database["backup"] == {
        "endpoint": "https://minio.minio.svc",
        "bucket": "db-backup",
        "secret": "db-backup",
        "accessKey": "ACCESS_KEY_ID",
        "secretKey": "SECRET_ACCESS_KEY",
        "authorities": "platform-trust",
    }
    assert values("web", found)["secrets"].keys() == {"db-backup"}
    assert found.needs["web"] == ("plugin-barman-cloud", "prometheus-operator-crds", "trust-bundle")


def test_a_name_comes_after_the_gateway_that_leads_to_it():
    """Its Application waits until the gateway has taken the route."""
    found = selection(web=component(routes=[ROUTE]), platform_gateway=component())
    assert found.needs["web"] == ("platform-gateway",)
    assert selection(web=component(routes=[ROUTE])).needs["web"] == ()


def test_neither_comes_for_a_databases_sake():
    made = catalogue(web=component(databases=[DATABASE]), plugin_barman_cloud=component(profiles=[]))
    assert select(made, platform()).components.keys() == {"web"}


def test_a_route_leads_from_the_gateway_to_the_service():
    gateway = component(namespace="istio-system")
    (found,) = values("web", selection(web=component(routes=[ROUTE]), istio_ingressgateway=gateway))["routes"]
    assert found == {
        "name": "web",
        "host": "web.ml.example.org",
        "service": "web",
        "port": 80,
        "gateway": {"name": "istio-ingressgateway", "namespace": "istio-system"},
    }


OUTSIDE = {
    "secrets": "https://vault.example.org",
    "s3": "https://s3.example.org",
    "oidc": "https://login.example.org/realms/ml",
    "issuer": "self-signed-issuer",
}


def test_what_is_kept_outside_is_brought_and_reached_there():
    found = root_values("test", platform(profile="ha", providers=OUTSIDE), CATALOGUE).applications
    assert not {"vault", "minio", "keycloak"} & found.keys()
    store = found["secret-store"].spec.sources[0].helm
    assert store
    assert store.values_object == {"server": "https://vault.example.org", "projects": []}
    helm = found["harbor"].spec.sources[-1].helm
    assert helm
    harbor = Surroundings.model_validate(helm.values_object)
    assert harbor.secrets
    assert "harbor-s3" in harbor.secrets
    assert harbor.databases
    assert harbor.databases[0].backup
    assert harbor.databases[0].backup.endpoint == "https://s3.example.org"
    assert harbor.policy
    assert Rule(address="0.0.0.0/0", ports=(443,)) in harbor.policy.egress


def test_what_is_copied_is_there_with_every_choice_of_providers():
    """A copy of a component's secret that is not there would be waited for without end."""
    for s3 in ("minio", "seaweedfs", "rook-ceph-cluster", "https://s3.example.org"):
        for secrets in ("vault", "openbao", "https://vault.example.org"):
            chosen = platform(profile="ha", providers={"s3": s3, "secrets": secrets})
            selected = select(CATALOGUE, chosen).components
            copied = {
                key.copy_of.partition("/")[0]
                for each in selected.values()
                for secret in each.secrets
                for key in secret.keys
                if key.copy_of
            }
            assert copied <= selected.keys()
