"""What is known to go wrong with these components under Argo CD, and what of ours keeps it from happening."""

from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.gitops.platforms import platform

from terp.gitops.argo import ApplicationSpec
from terp.gitops.component import Manifests
from terp.gitops.reading import read_catalogue
from terp.gitops.root import root_values

CHARTS = Path(__file__).parents[3] / "charts"
CATALOGUE = read_catalogue()
OPTIONAL = {name: True for name, each in CATALOGUE.components.items() if not each.provides}
ALL = root_values("test", platform(components=OPTIONAL), CATALOGUE).applications
ARGO_CD = yaml.safe_load((CHARTS / "argo-cd" / "values.yaml").read_text())["configs"]
HEALTH = "resource.customizations.health.argoproj.io_Application"


def spec(name: str) -> ApplicationSpec:
    return ALL[name].spec


def value(name: str, key: str) -> Any:
    """What our values of a chart say."""
    values = yaml.safe_load((CHARTS / name / "values.yaml").read_text())
    return reduce(lambda inner, step: inner[step], key.split("."), values)


def patched(name: str, kind: str, of: str) -> dict[str, Any]:
    """The patch that a component has for an object."""
    source = CATALOGUE.components[name].source
    assert isinstance(source, Manifests)
    (found,) = [
        yaml.safe_load(each.patch)
        for each in source.patches
        if (each.target.kind, each.target.name) == (kind, of)
    ]
    return found


@pytest.mark.parametrize(
    "looks_at",
    ["comparedTo", "operation.phase", 'sync.status ~= "Synced"', "health.status", "obj.spec.sources"],
)
def test_waves_wait_for_applications_that_are_in_sync_have_synced_and_are_healthy(looks_at: str):
    assert looks_at in ARGO_CD["cm"][HEALTH]


def test_a_child_that_fails_does_not_end_the_sync_of_the_root():
    assert '"Degraded"' not in ARGO_CD["cm"][HEALTH]


@pytest.mark.parametrize(
    "name", ["kserve", "trainer", "spark-operator", "prometheus-operator-crds", "argo-cd", "external-secrets"]
)
def test_big_kinds_are_applied_by_the_server(name: str):
    assert "ServerSideApply=true" in spec(name).sync_policy.sync_options


def test_nothing_is_replaced_which_would_undo_applying_by_the_server():
    for each in ALL.values():
        assert "Replace=true" not in each.spec.sync_policy.sync_options


def test_differences_are_those_that_the_api_server_sees():
    assert ARGO_CD["params"]["controller.diff.server.side"] == "true"


@pytest.mark.parametrize(
    "name", ["cert-manager", "gatekeeper", "istiod", "katib", "kserve", "knative-serving"]
)
def test_the_authority_that_others_write_into_webhooks_is_no_difference(name: str):
    ignored = {path for each in spec(name).ignore_differences or () for path in each.jq_path_expressions}
    assert ".webhooks[]?.clientConfig.caBundle" in ignored
    assert "RespectIgnoreDifferences=true" in spec(name).sync_policy.sync_options


@pytest.mark.parametrize(
    ("name", "of", "path"),
    [
        ("istio-base", "istiod-default-validator", ".webhooks[]?.failurePolicy"),
        ("istiod", "istio-validator-istio-system", ".webhooks[]?.failurePolicy"),
        ("knative-serving", None, ".webhooks[]?.rules"),
    ],
)
def test_what_controllers_write_into_their_webhooks_is_no_difference(name: str, of: str | None, path: str):
    found = [(each.name, each.jq_path_expressions) for each in spec(name).ignore_differences or ()]
    assert (of, (path,)) in found


def test_roles_that_are_gathered_from_others_are_no_difference():
    assert yaml.safe_load(ARGO_CD["cm"]["resource.compareoptions"]) == {"ignoreAggregatedRoles": True}


@pytest.mark.parametrize(
    "name", ["gatekeeper", "vault-issuer", "kube-prometheus-stack", "kubeflow-pipelines"]
)
def test_objects_of_a_kind_that_comes_with_them_are_tried_again(name: str):
    policy = spec(name).sync_policy
    assert "SkipDryRunOnMissingResource=true" in policy.sync_options
    assert policy.retry.limit == -1


def test_a_sync_that_fails_is_tried_until_it_works_or_there_is_a_newer_commit():
    for each in ALL.values():
        assert (each.spec.sync_policy.retry.limit, each.spec.sync_policy.retry.refresh) == (-1, True)


@pytest.mark.parametrize(
    ("name", "key", "right"),
    [
        ("gpu-operator", "operator.upgradeCRD", False),
        ("gpu-operator", "operator.cleanupCRD", False),
        ("kube-prometheus-stack", "prometheusOperator.admissionWebhooks.certManager.enabled", True),
        ("kube-prometheus-stack", "prometheusOperator.admissionWebhooks.patch.enabled", False),
        ("velero", "upgradeCRDs", False),
        ("velero", "cleanUpCRDs", False),
        ("airflow", "createUserJob.useHelmHooks", False),
        ("airflow", "migrateDatabaseJob.useHelmHooks", False),
    ],
)
def test_hooks_that_argo_cd_would_run_at_each_sync_are_off(name: str, key: str, right: bool):
    assert value(name, key) is right


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("harbor", "existingSecretAdminPassword"),
        ("harbor", "existingSecretSecretKey"),
        ("harbor", "core.existingSecret"),
        ("harbor", "core.existingXsrfSecret"),
        ("harbor", "jobservice.existingSecret"),
        ("harbor", "registry.existingSecret"),
        ("harbor", "redis.external.existingSecret"),
        ("harbor", "persistence.imageChartStorage.s3.existingSecret"),
        ("kube-prometheus-stack", "grafana.admin.existingSecret"),
    ],
)
def test_no_value_is_made_at_random_when_a_chart_is_rendered(name: str, key: str):
    assert value(name, key) in {secret.name for secret in CATALOGUE.components[name].secrets}


@pytest.mark.parametrize("key", ["core.secretName", "registry.credentials.existingSecret"])
def test_what_harbor_needs_in_forms_of_its_own_is_made_before_it(key: str):
    made = CHARTS / "harbor-secrets" / "templates" / "secrets.yaml"
    assert f"name: {value('harbor', key)}\n" in made.read_text()
    assert "harbor-secrets" in CATALOGUE.components["harbor"].needs


def test_velero_takes_its_keys_and_the_password_of_its_data_from_vault():
    assert value("velero", "credentials.useSecret") is False
    secrets = {secret.name for secret in CATALOGUE.components["velero"].secrets}
    assert secrets == {"velero-s3", "velero-repo-credentials"}


def test_the_kind_of_profiles_is_never_pruned():
    annotations = patched("kubeflow-profiles", "CustomResourceDefinition", "profiles.kubeflow.org")[
        "metadata"
    ]
    assert annotations["annotations"] == {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}


@pytest.mark.parametrize(
    ("name", "namespace"),
    [
        ("kubeflow-namespace", "kubeflow"),
        ("kubeflow-namespace", "kubeflow-system"),
        ("dex", "auth"),
        ("oauth2-proxy", "oauth2-proxy"),
        ("knative-serving", "knative-serving"),
    ],
)
def test_a_namespace_is_pruned_when_a_person_has_confirmed_it(name: str, namespace: str):
    metadata = patched(name, "Namespace", namespace)["metadata"]
    assert metadata["annotations"] == {"argocd.argoproj.io/sync-options": "Prune=confirm"}


def test_addresses_of_services_outside_come_from_git():
    excluded = {
        kind for each in yaml.safe_load(ARGO_CD["cm"]["resource.exclusions"]) for kind in each["kinds"]
    }
    assert not {"Endpoints", "EndpointSlice"} & excluded
    assert "Lease" in excluded


def test_kustomize_renders_no_charts():
    assert "kustomize.buildOptions" not in ARGO_CD["cm"]


def test_registries_are_written_without_a_scheme_as_argo_cd_takes_charts_from_them():
    assert spec("loki").sources[0].repo_url == "ghcr.io/grafana-community/helm-charts"
    assert spec("strimzi").sources[0].repo_url == "quay.io/strimzi-helm"


def test_dates_that_the_api_server_fills_in_are_no_difference():
    ignored = yaml.safe_load(ARGO_CD["cm"]["resource.customizations.ignoreDifferences.all"])
    assert ignored["jqPathExpressions"] == [
        ".spec.template.metadata.creationTimestamp",
        ".spec.volumeClaimTemplates[]?.metadata.creationTimestamp",
    ]


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("dex", "dex-passwords"),
        ("dex", "dex-oidc-client"),
        ("oauth2-proxy", "oauth2-proxy"),
        ("kubeflow-pipelines", "mysql-secret"),
    ],
)
def test_secrets_that_upstream_has_in_git_are_taken_out_and_come_from_vault(name: str, secret: str):
    assert patched(name, "Secret", secret)["$patch"] == "delete"
    assert secret in {each.name for each in CATALOGUE.components[name].secrets}


@pytest.mark.parametrize(
    ("name", "database"), [("katib", "katib-mysql"), ("model-registry", "model-registry-db")]
)
def test_databases_that_upstream_brings_are_taken_out_with_their_secrets(name: str, database: str):
    for kind, of in (("Deployment", database), ("Service", database), ("Secret", f"{database}-secrets")):
        assert patched(name, kind, of)["$patch"] == "delete"
    assert CATALOGUE.components[name].databases


def test_pipelines_bring_neither_a_database_nor_an_object_storage():
    source = CATALOGUE.components["kubeflow-pipelines"].source
    assert isinstance(source, Manifests)
    assert not [path for path in (source.path, *source.beside) if "/third-party/" in path]
    config = patched("kubeflow-pipelines", "ConfigMap", "pipeline-install-config")
    assert config["data"] == {
        "dbHost": {"mysql": None},
        "mysqlHost": {"mysql": None},
    }  # {mysql}, not filled in


def test_proxies_are_of_the_version_of_the_mesh():
    """Their image is told as a whole, so that the list of images has it."""
    image = f"registry.istio.io/release/proxyv2:{CATALOGUE.upstreams['istio'].version}"
    assert value("istiod", "global.proxy.image") == image
    assert image in str(patched("cluster-local-gateway", "Deployment", "cluster-local-gateway"))


def test_kubeflows_istio_and_its_policies_for_the_whole_mesh_are_not_taken():
    paths = [each.source.path for each in CATALOGUE.components.values() if isinstance(each.source, Manifests)]
    assert [path for path in paths if path.startswith("common/istio/istio-install")] == []


def test_kubeflows_policies_let_the_ingress_gateway_in():
    account = value("istio-ingressgateway", "serviceAccount.name")
    assert account == "istio-ingressgateway-service-account"
    assert CATALOGUE.components["istio-ingressgateway"].namespace == "istio-system"


def test_namespaces_whose_pods_reach_into_nodes_may_have_them():
    for name in ("gpu-operator", "istio-cni", "node-feature-discovery", "alloy"):
        metadata = spec(name).sync_policy.managed_namespace_metadata
        assert metadata
        assert metadata.labels["pod-security.kubernetes.io/enforce"] == "privileged"


def test_ceph_has_its_volumes_drivers_which_rook_no_longer_brings():
    assert "ceph-csi-drivers" in CATALOGUE.components["rook-ceph-cluster"].needs
