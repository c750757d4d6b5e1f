"""What Helm and kustomize make of the platform, and what the API server says of that."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from terp.environment import read
from terp.environment.kubernetes import kubernetes_version
from terp.environment.platform import Platform
from terp.gitops.application import NAMESPACE, root_application
from terp.gitops.argo import ApplicationSpec
from terp.gitops.catalogue import Catalogue
from terp.gitops.graph import graph
from terp.gitops.reading import read_catalogue
from terp.gitops.references import missing
from terp.gitops.rendering import Renderer, cluster_of, rendered, renderer
from terp.gitops.root import RootValues, WavedApplication, root_values
from terp.gitops.selection import select
from terp.gitops.standins.upstreams import write
from terp.paths import PROJECT
from terp.tools import Toolchain
from tests.integration.gitops.argo_cd import ArgoCd

VALID = PROJECT / "tests" / "fixtures" / "valid"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("of-others")


@pytest.fixture(scope="module")
def catalogue(folder: Path, toolchain: Toolchain) -> Catalogue:
    """That of the stand-ins, as they lie in a folder."""
    return write(folder, read_catalogue(), toolchain.path("install.yaml").read_text())


@pytest.fixture(params=["sandbox", "production"])
def stack(request: pytest.FixtureRequest) -> str:
    """Of the profiles small and ha."""
    name: str = request.param
    return name


@pytest.fixture
def platform(stack: str) -> Platform:
    found = read(VALID / f"{stack}.yaml").platform
    assert found
    return found


@pytest.fixture
def values(stack: str, platform: Platform, catalogue: Catalogue) -> RootValues:
    return root_values(stack, platform, catalogue)


@pytest.fixture
def programs(
    stack: str, platform: Platform, catalogue: Catalogue, toolchain: Toolchain, folder: Path
) -> Iterator[Renderer]:
    version = kubernetes_version(read(VALID / f"{stack}.yaml").kubernetes)
    cluster = cluster_of(version, select(catalogue, platform).components.values())
    with renderer(toolchain, cluster, platform.git.repository, folder) as found:
        yield found


def expected(values: RootValues) -> dict[tuple[str, str], Any]:
    """By kind and name, wave and specification."""
    plain: Any = values.plain()
    text = {"$revision": values.revision}

    def pinned(node: Any) -> Any:
        match node:
            case dict():
                return {key: pinned(each) for key, each in node.items()}
            case list():
                return [pinned(each) for each in node]
            case str():
                return text.get(node, node)
        return node

    applications = {
        ("Application", name): (str(each["wave"]), pinned(each["spec"]))
        for name, each in plain["applications"].items()
    }
    projects = {("AppProject", name): ("-1", each) for name, each in plain["projects"].items()}
    return {**projects, **applications}


def test_helm_makes_of_the_root_what_its_values_say(programs: Renderer, values: RootValues):
    made = {
        (each["kind"], each["metadata"]["name"]): (
            each["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"],
            each["spec"],
        )
        for each in programs.root(values).objects
    }
    assert made == expected(values)


def test_argo_cds_own_kinds_take_what_the_root_makes(
    programs: Renderer, values: RootValues, platform: Platform, argo_cd: ArgoCd
):
    """Strictly: a field that they do not have is an error."""
    for text in (programs.root(values).text, json.dumps(root_application(platform.git, values))):
        argo_cd.cluster.kubectl.run(
            *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-n", NAMESPACE, "-f", "-"),
            stdin=text,
        )


def test_what_is_made_around_a_component_comes_before_it_and_names_lead_to_it_afterwards(
    programs: Renderer, values: RootValues, stack: str
):
    made = programs.application("harbor", values.applications["harbor"].spec).objects
    notes = [(each["kind"], each["metadata"].get("annotations", {})) for each in made]
    waves = {kind: int(note.get("argocd.argoproj.io/sync-wave", 0)) for kind, note in notes}
    before = waves["NetworkPolicy"] < waves["ExternalSecret"] < waves["Cluster"] < waves["Deployment"]
    assert before
    assert waves["Deployment"] < waves["HTTPRoute"]
    if stack == "production":
        assert waves["ExternalSecret"] < waves["ObjectStore"] < waves["Cluster"]


def test_kubernetes_takes_every_policy(programs: Renderer, values: RootValues, argo_cd: ArgoCd):
    """Strictly, in a namespace that is there."""
    policies = [
        each
        for name, application in values.applications.items()
        for each in programs.application(name, _around(application)).objects
        if each["kind"] == "NetworkPolicy"
    ]
    assert len(policies) > len(values.applications) / 2
    assert len({each["metadata"]["name"] for each in policies}) == len(policies)
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": policies})
    argo_cd.cluster.kubectl.run(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-n", "default", "-f", "-"),
        stdin=text,
    )


def _around(application: WavedApplication) -> ApplicationSpec:
    """What is made around a component, alone."""
    ours = tuple(each for each in application.spec.sources if each.path == "charts/surroundings")
    return application.spec.model_copy(update={"sources": ours})


def test_every_component_is_rendered_and_refers_to_nothing_that_comes_later(
    programs: Renderer, values: RootValues, platform: Platform, catalogue: Catalogue
):
    found = {each.name: each for _, each in rendered(programs, values)}
    assert found.keys() == {"platform", *values.applications}
    assert {name: str(each.error) for name, each in found.items() if each.error} == {}
    selected = select(catalogue, platform)
    manifests = {name: each.objects for name, each in found.items() if name in selected.components}
    assert all(manifests.values())
    late = missing(manifests, selected.components, graph(selected.needs))
    assert [str(each) for each in late if each.where != "webhooks"] == []  # stand-ins ask nobody
