"""Projects, as Helm renders them: each has what it is to have, and none reaches another."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terp.environment import read
from terp.environment.platform import Platform
from terp.environment.projects import Project
from terp.gitops.intent import Intent
from terp.gitops.reading import read_catalogue
from terp.gitops.rendering import Renderer, renderer
from terp.paths import PROJECT
from terp.tools import Toolchain
from tests.integration.gitops.isolation import Object, leaks, place

PRODUCTION = PROJECT / "tests" / "fixtures" / "valid" / "production.yaml"
PEOPLE = ("ada@example.org", "grace@example.org", "alan@example.org", "kurt@example.org")
NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
QUOTAS = st.fixed_dictionaries(
    {
        "cpu": st.sampled_from(["500m", "8"]),
        "gpus": st.dictionaries(st.sampled_from(["whole", "shared", "mig-1g.10gb"]), st.integers(0, 8)),
    }
)
PROJECTS = st.dictionaries(
    NAMES,
    st.builds(
        lambda owner, members, quota, registry: Project(
            owner=owner,
            members={each: role for each, role in members.items() if each != owner},
            quota=quota,
            registry=registry,
        ),
        st.sampled_from(PEOPLE),
        st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(["view", "edit", "admin"])),
        QUOTAS,
        st.booleans(),
    ),
    min_size=2,
    max_size=6,
)


@pytest.fixture(scope="module")
def platform() -> Platform:
    found = read(PRODUCTION).platform
    assert found
    return found


@pytest.fixture(scope="module")
def programs(
    toolchain: Toolchain, platform: Platform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Renderer]:
    """Charts of ours alone: nothing of others is looked for in the folder."""
    nothing = tmp_path_factory.mktemp("nothing")
    with renderer(toolchain, Intent.of("production", platform, read_catalogue(), "1.35.4"), nothing) as found:
        yield found


def made(programs: Renderer, platform: Platform, projects: Mapping[str, Project], *names: str) -> list[Any]:
    chosen = platform.model_copy(update={"projects": projects})
    values = Intent.of("production", chosen, read_catalogue()).values
    found = [programs.application(name, values.applications[name].spec) for name in names]
    assert [each.error for each in found if each.error] == []
    return [each for application in found for each in application.objects]


@pytest.fixture(scope="module")
def objects(programs: Renderer, platform: Platform) -> list[Any]:
    return made(programs, platform, platform.projects, "projects", "secret-store")


def test_projects_become_these_objects(objects: list[Any], golden: Any):
    mine = [each for each in objects if place(each) in ("ada", "vision")]
    mine.sort(key=lambda each: (place(each), each["kind"], each["metadata"]["name"]))
    golden("gitops/projects.yaml", yaml.safe_dump_all(mine, width=1000))


def test_none_of_the_environments_projects_reaches_another(objects: list[Any], platform: Platform):
    assert leaks(objects, platform.projects) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(projects=PROJECTS)
def test_no_project_reaches_another_whatever_there_are(
    programs: Renderer, platform: Platform, projects: dict[str, Project]
):
    found = made(programs, platform, projects, "projects", "secret-store", "vault-configuration")
    assert leaks(found, projects) == []
    for name, project in projects.items():
        assert kinds(found, name) >= {
            *("Namespace", "Profile", "ResourceQuota", "LimitRange", "NetworkPolicy", "AuthorizationPolicy"),
            *("ExternalSecret", "ClusterSecretStore", "PodDefault"),
        }
        assert {each["metadata"]["annotations"]["user"] for each in of("RoleBinding", found, name)} == set(
            project.members
        )
        (quota,) = of("ResourceQuota", found, name)
        for share, resource in {"whole": "gpu", "shared": "gpu.shared", "mig-1g.10gb": "mig-1g.10gb"}.items():
            anywhere = any(share in each.quota.gpus for each in projects.values()) or "mig" not in share
            limit = quota["spec"]["hard"].get(f"requests.nvidia.com/{resource}")
            assert limit == (str(project.quota.gpus.get(share, 0)) if anywhere else None)
    assert vault_policies(found) == {
        f"project-{name}.hcl": [f"secret/data/projects/{name}/*"] for name in projects
    }


def of(kind: str, objects: list[Any], name: str) -> list[Any]:
    return [each for each in objects if each["kind"] == kind and place(each) == name]


def kinds(objects: list[Any], name: str) -> set[str]:
    return {each["kind"] for each in objects if place(each) == name}


def vault_policies(objects: list[Any]) -> dict[str, list[str]]:
    """Paths by policy, of those of projects."""
    (policies,) = [each["data"] for each in objects if each["metadata"]["name"] == "vault-policies"]
    return {
        name: re.findall(r'path "([^"]+)"', text)
        for name, text in policies.items()
        if name.startswith("project-")
    }


def changed(kind: str, objects: list[Any], change: str) -> list[Any]:
    """The objects, with another text in the first of a kind in `vision` that has it."""
    found = copy.deepcopy(objects)
    before, after = change.split(" -> ")
    for number, each in enumerate(found):
        if each["kind"] == kind and place(each) == "vision" and before in (text := json.dumps(each)):
            found[number] = json.loads(text.replace(before, after, 1))
            return found
    raise AssertionError(f"no {kind} has {before}")


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("RoleBinding", '"name": "grace@example.org" -> "name": "kurt@example.org"', "lets kurt"),
        ("RoleBinding", '"kind": "User" -> "kind": "Group"', "is about a Group"),
        ("RoleBinding", '"name": "kubeflow-edit" -> "name": "cluster-admin"', "gives cluster-admin"),
        ("AuthorizationPolicy", '["grace@example.org"] -> ["kurt@example.org"]', "lets kurt"),
        ("AuthorizationPolicy", '["grace@example.org"] -> ["*"]', "does not ask"),
        ("AuthorizationPolicy", "ns/kubeflow/sa/ml-pipeline-ui -> ns/ada/sa/default-editor", "believes"),
        ("NetworkPolicy", '"kubernetes.io/metadata.name": "istio-system" -> "a": "b"', ""),
        (
            "NetworkPolicy",
            '"kubernetes.io/metadata.name": "istio-system" -> "kubernetes.io/metadata.name": "ada"',
            "connections of ada|connects to ada",
        ),
        (
            "NetworkPolicy",
            '"from": [{"podSelector": {}}] -> "from": [{"namespaceSelector": {}}]',
            "connections of ada",
        ),
        ("NetworkPolicy", '"from": [{"podSelector": {}}] -> "from": []', "of everybody"),
        ("NetworkPolicy", '["Ingress", "Egress"] -> ["Egress"]', "does not close"),
        ("ExternalSecret", "projects/vision/ -> projects/ada/", "reads projects/ada"),
        ("ExternalSecret", '"name": "project-vision" -> "name": "platform"', "reads from platform"),
        ("ClusterSecretStore", '["vision"] -> ["vision", "ada"]', "named by others"),
        ("ClusterSecretStore", '"role": "project-vision" -> "role": "external-secrets"', "reads as"),
        ("Profile", '"name": "ada@example.org" -> "name": "kurt@example.org"', "lets kurt"),
    ],
)
def test_a_way_into_another_project_would_be_found(
    kind: str, change: str, said: str, objects: list[Any], platform: Platform
):
    found = leaks(changed(kind, objects, change), platform.projects)
    assert bool(found) is bool(said)
    assert not said or re.search(said, found[0])


def test_a_store_of_the_platform_is_closed_to_all_projects(objects: list[Object]):
    (platform,) = [each for each in objects if each["metadata"]["name"] == "platform"]
    labels = {
        each["metadata"]["labels"]["app.kubernetes.io/part-of"]
        for each in objects
        if each["kind"] == "Namespace"
    }
    (condition,) = platform["spec"]["conditions"]
    (expression,) = condition["namespaceSelector"]["matchExpressions"]
    assert (expression["operator"], set(expression["values"])) == ("NotIn", labels)
