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
from terp.gitops.catalogue import Catalogue
from terp.gitops.intent import Intent
from terp.gitops.reading import read_catalogue
from terp.gitops.references import missing
from terp.gitops.rendering import Renderer, rendered, renderer
from terp.gitops.root import RootValues
from terp.paths import PROJECT
from terp.tools import Toolchain
from tests.integration.gitops.argo_cd import ArgoCd
from tests.standins.upstreams import write

VALID = PROJECT / "tests" / "fixtures" / "valid"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("of-others")


@pytest.fixture(scope="module")
def catalogue(folder: Path) -> Catalogue:
    """That of the stand-ins, as they lie in a folder."""
    return write(folder, read_catalogue())


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
def intent(stack: str, platform: Platform, catalogue: Catalogue) -> Intent:
    version = kubernetes_version(read(VALID / f"{stack}.yaml").kubernetes)
    return Intent.of(stack, platform, catalogue, version)


@pytest.fixture
def values(intent: Intent) -> RootValues:
    return intent.values


@pytest.fixture
def programs(intent: Intent, toolchain: Toolchain, folder: Path) -> Iterator[Renderer]:
    with renderer(toolchain, intent, folder) as found:
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


def test_every_component_is_rendered_and_refers_to_nothing_that_comes_later(
    programs: Renderer, values: RootValues, intent: Intent
):
    found = {each.name: each for _, each in rendered(programs, values)}
    assert found.keys() == {"platform", *values.applications}
    assert {name: str(each.error) for name, each in found.items() if each.error} == {}
    manifests = {name: each.objects for name, each in found.items() if name in intent.components}
    assert all(manifests.values())
    late = missing(manifests, intent.components, intent.graph)
    assert [str(each) for each in late if each.where != "webhooks"] == []  # stand-ins ask nobody
