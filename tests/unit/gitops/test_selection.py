"""Which components an environment has."""

import pytest
from tests.unit.gitops.platforms import platform

from terp.environment.platform import Providers
from terp.environment.rules.platform import options
from terp.errors import TerpError
from terp.gitops.reading import read_catalogue
from terp.gitops.selection import select

CATALOGUE = read_catalogue()


def names(**keys: object) -> set[str]:
    """The components of a platform with these keys."""
    return set(select(CATALOGUE, platform(**keys)).components)


def test_an_environment_can_choose_every_provider_that_there_is_and_no_other():
    offered = {name: options(field.annotation) for name, field in Providers.model_fields.items()}
    assert offered == {name: set(providers) for name, providers in CATALOGUE.capabilities.items()}


def test_a_profile_brings_its_components():
    small, ha = names(profile="small"), names(profile="ha")
    assert "velero" not in small
    assert "velero" in ha
    assert {"vault", "minio", "keycloak", "harbor", "loki"} <= small <= ha


def test_what_is_needed_comes_along():
    assert "opensearch-operator" not in names()
    assert "opensearch-operator" in names(components={"openmetadata": True})


def test_another_provider_takes_the_place_of_the_default_with_all_that_it_needs():
    found = names(providers={"s3": "seaweedfs", "secrets": "openbao"})
    assert {"seaweedfs", "seaweedfs-operator", "openbao"} <= found
    assert not {"minio", "minio-operator", "vault"} & found


def test_what_something_outside_provides_needs_no_component():
    found = names(providers={"s3": "https://s3.example.org"})
    assert not {"minio", "minio-operator", "seaweedfs", "rook-ceph"} & found
    assert "loki" in found


def test_what_is_used_comes_before_where_it_is_there():
    assert "alloy" in select(CATALOGUE, platform()).needs["harbor-configuration"]
    without = select(CATALOGUE, platform(components={"alloy": False}))
    assert "harbor-configuration" in without.components
    assert "alloy" not in without.needs["harbor-configuration"]


def test_a_provider_of_no_profile_waits_until_somebody_needs_it():
    assert "kubeflow-mysql" in names()
    assert "kubeflow-mysql" not in names(components={"kubeflow-pipelines": False})
    assert "kubeflow-mysql" not in names(providers={"mysql": "mysql.example.org"})


def test_what_is_switched_off_is_gone():
    assert "harbor" not in names(components={"harbor": False, "harbor-configuration": False})


def test_what_others_need_cannot_be_switched_off():
    with pytest.raises(TerpError) as caught:
        names(components={"loki": False})
    assert caught.value.message == '"loki" is switched off, and needed by alloy'
    assert caught.value.hint == "switch these off, too, or leave out platform.components.loki"
    assert caught.value.exit_code == 2


def test_what_is_switched_off_with_all_that_need_it_is_gone():
    found = names(components={"loki": False, "alloy": False})
    assert not {"loki", "alloy"} & found


def test_a_switch_of_nothing_is_refused():
    with pytest.raises(TerpError) as caught:
        names(components={"harbour": False})
    assert caught.value.hint == 'did you mean "harbor"?'


def test_what_makes_projects_is_there_when_there_are_any_and_reaches_their_namespaces_alone():
    projects = {"vision": {"owner": "ada@example.org"}, "speech": {"owner": "ada@example.org"}}
    assert "projects" not in select(CATALOGUE, platform()).components
    found = select(CATALOGUE, platform(projects=projects)).components["projects"]
    assert found.namespaces == ("vision", "speech")
