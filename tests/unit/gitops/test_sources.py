"""How values reach a chart."""

from tests.unit.gitops.platforms import platform

from terp.gitops.facts import facts_of
from terp.gitops.reading import read_catalogue
from terp.gitops.sources import nested, sources

CATALOGUE = read_catalogue()


def test_a_key_names_its_place_by_dots():
    assert nested({"a.b": 1, "a.c": 2}) == {"a": {"b": 1, "c": 2}}


def test_a_dot_of_a_key_itself_is_written_as_for_helm():
    assert nested({r"configs.cm.oidc\.config": "x"}) == {"configs": {"cm": {"oidc.config": "x"}}}


def test_one_file_of_a_folder_is_taken_as_it_is():
    wanted = platform()
    found = sources("trainer", CATALOGUE, wanted, facts_of("test", wanted).model_dump())
    (roles,) = (each for each in found if each.directory)
    assert roles.path == "applications/trainer/upstream/overlays/kubeflow-platform"
    assert roles.directory
    assert roles.directory.include == "kubeflow-trainer-roles.yaml"
    assert roles.kustomize is None
    assert all(each.kustomize for each in found if each != roles)
