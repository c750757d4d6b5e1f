"""The values of the root chart."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.unit.gitops.platforms import platform

from terp.environment import read
from terp.gitops.argo import ApplicationSpec, ArgoModel
from terp.gitops.reading import read_catalogue
from terp.gitops.root import RootValues, pod_security, published_schema, root_values
from terp.gitops.surroundings import Surroundings

PROJECT = Path(__file__).parents[3]
CHARTS = PROJECT / "charts"
CATALOGUE = read_catalogue()


def values(**keys: object) -> RootValues:
    return root_values("test", platform(**keys), CATALOGUE)


def spec(name: str, **keys: object) -> ApplicationSpec:
    return values(**keys).applications[name].spec


@pytest.mark.parametrize("stack", ["sandbox", "production"])
def test_an_environment_becomes_these_applications(stack: str, golden: Callable[[str, str], None]):
    chosen = read(PROJECT / "tests" / "fixtures" / "valid" / f"{stack}.yaml").platform
    assert chosen
    plain = root_values(stack, chosen, CATALOGUE).plain()
    golden(f"gitops/{stack}.yaml", yaml.safe_dump(plain, sort_keys=False, width=1000))


@pytest.mark.parametrize(("chart", "form"), [("platform", RootValues), ("surroundings", Surroundings)])
def test_the_schema_of_a_chart_is_that_of_its_values(
    chart: str, form: type[ArgoModel], request: pytest.FixtureRequest
):
    file = CHARTS / chart / "values.schema.json"
    if request.config.getoption("--update-golden"):
        file.write_text(published_schema(form))
    assert file.read_text() == published_schema(form)


def test_a_chart_of_others_takes_our_values_from_git_and_the_environments_from_the_application():
    chart, ours, _around = spec("harbor").sources
    assert (chart.repo_url, chart.chart, chart.target_revision) == (
        "https://helm.goharbor.io",
        "harbor",
        "1.19.1",
    )
    assert chart.helm
    assert chart.helm.value_files == (
        "$values/charts/harbor/values.yaml",
        "$values/charts/harbor/values-small.yaml",
    )
    assert chart.helm.values_object
    assert chart.helm.values_object["externalURL"] == "https://harbor.ml.example.org"
    assert (ours.repo_url, ours.target_revision, ours.ref) == (
        "https://git.example.org/terp.git",
        "$revision",
        "values",
    )


def test_manifests_of_others_are_taken_at_a_commit():
    source, _around = spec("katib").sources
    assert source.repo_url == "https://github.com/kubeflow/community-distribution"
    assert source.target_revision == CATALOGUE.upstreams["kubeflow"].commit
    assert source.path == "applications/katib/upstream/installs/katib-with-kubeflow"


def test_a_chart_of_ours_lies_in_the_repository():
    source, _around = spec("secret-store").sources
    assert source.path == "charts/secret-store"
    assert source.helm
    assert source.helm.values_object == {"server": "https://vault.vault.svc:8200", "projects": []}


def test_what_is_made_around_a_component_is_a_source_of_its_own_from_our_repository():
    around = spec("harbor").sources[-1]
    assert (around.repo_url, around.path, around.target_revision) == (
        "https://git.example.org/terp.git",
        "charts/surroundings",
        "$revision",
    )
    assert around.helm
    assert around.helm.release_name == "harbor-surroundings"
    assert around.helm.values_object
    assert list(around.helm.values_object) == ["secrets", "policy", "databases", "routes"]


def test_a_component_with_nothing_around_it_has_no_such_source():
    assert [source.path for source in spec("gateway-api").sources] == ["config/crd"]


def test_a_chart_of_ours_is_told_the_image_that_the_versions_name():
    helm = spec("seaweedfs", providers={"s3": "seaweedfs"}).sources[0].helm
    assert helm
    assert helm.values_object
    assert helm.values_object["image"] == "docker.io/chrislusf/seaweedfs:4.44"
    assert helm.values_object["replicas"] == 1


def test_values_are_told_of_the_provider_that_is_chosen():
    def server(**providers: str) -> object:
        helm = spec("secret-store", providers=providers).sources[0].helm
        return helm and helm.values_object and helm.values_object["server"]

    assert server(secrets="openbao") == "https://openbao.vault.svc:8200"
    assert server(secrets="https://vault.example.org") == "https://vault.example.org"


def test_the_profile_decides_how_many_there_are():
    def replicas(profile: str) -> object:
        helm = spec("cert-manager", profile=profile).sources[0].helm
        return helm and helm.values_object and helm.values_object["replicaCount"]

    assert (replicas("small"), replicas("ha")) == (1, 3)


def test_a_mirror_takes_the_place_of_charts_and_git():
    mirror = {"charts": "oci://registry.example.org/charts", "git": "https://git.example.org/mirror"}
    found = values(mirror=mirror)
    repositories = {source.repo_url for each in found.applications.values() for source in each.spec.sources}
    assert repositories == {
        "registry.example.org/charts",
        "https://git.example.org/mirror/argoproj/argo-workflows",
        "https://git.example.org/mirror/kubeflow/community-distribution",
        "https://git.example.org/mirror/kubernetes-sigs/gateway-api",
        "https://git.example.org/mirror/kubernetes-sigs/jobset",
        "https://git.example.org/terp.git",
    }


def test_an_application_comes_in_the_wave_after_all_that_it_needs():
    found = values().applications
    assert found["vault"].wave < found["secret-store"].wave < found["valkey"].wave < found["harbor"].wave


def test_nothing_is_rendered_that_argo_cd_would_drop():
    """It compares what it has read with the spec: the health of an Application rests on that."""
    for name, application in values().plain()["applications"].items():  # type: ignore[union-attr]
        for source in application["spec"]["sources"]:  # type: ignore[index, call-overload]
            empty = [key for key, value in (*source.items(), *source.get("helm", {}).items()) if not value]
            assert empty == [], name


def test_namespaces_that_are_shared_have_the_standard_that_all_can_live_with():
    components = CATALOGUE.components
    assert pod_security("istio-system", [components["istiod"], components["istio-cni"]]) == "privileged"
    assert pod_security("istio-system", [components["istiod"]]) is None


@pytest.mark.parametrize("profile", ["small", "ha"])
def test_a_project_allows_what_its_components_do_and_nothing_else(profile: str):
    found = values(profile=profile)
    for name, application in found.applications.items():
        project = found.projects[application.spec.project]
        assert application.spec.destination in project.destinations, name
        assert {source.repo_url for source in application.spec.sources} <= set(project.source_repos), name
    for project in found.projects.values():
        everything = (*project.source_repos, *(each.namespace for each in project.destinations))
        assert not [each for each in everything if "*" in each]
        assert not [each for each in project.cluster_resource_whitelist if "*" in (each.group, each.kind)]


def test_kinds_outside_of_namespaces_are_allowed_to_those_that_make_them():
    def kinds(layer: str) -> set[str]:
        return {each.kind for each in values().projects[layer].cluster_resource_whitelist}

    assert "ClusterIssuer" in kinds("data")
    assert "ClusterIssuer" not in kinds("observability")
    assert "CustomResourceDefinition" not in kinds("identity")


def test_only_argo_cds_own_layer_reaches_its_namespace():
    reach = [
        layer
        for layer, project in values(profile="ha").projects.items()
        if "argocd" in {each.namespace for each in project.destinations}
    ]
    assert reach == ["system"]
