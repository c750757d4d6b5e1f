"""What Helm and kustomize make of the platform, and what the API server says of that."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from terp.environment import read
from terp.environment.kubernetes import kubernetes_version
from terp.environment.platform import Platform
from terp.gitops.application import NAMESPACE, root_application
from terp.gitops.argo import ApplicationSpec
from terp.gitops.catalogue import Catalogue
from terp.gitops.difference import difference
from terp.gitops.difference.compare import side
from terp.gitops.difference.live import Live
from terp.gitops.intent import Intent
from terp.gitops.judgement import judgement
from terp.gitops.lock import images
from terp.gitops.reading import read_catalogue
from terp.gitops.references import missing
from terp.gitops.rendering import Renderer, rendered, renderer
from terp.gitops.root import RootValues, WavedApplication
from terp.gitops.standins.upstreams import write
from terp.gitops.validation import schemas_of
from terp.kubernetes.acceptance.api import Api
from terp.paths import PROJECT
from terp.progress import Progress
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
    programs: Renderer, values: RootValues, intent: Intent
):
    found = {each.name: each for _, each in rendered(programs, values)}
    assert found.keys() == {"platform", *values.applications}
    assert {name: str(each.error) for name, each in found.items() if each.error} == {}
    manifests = {name: each.objects for name, each in found.items() if name in intent.components}
    assert all(manifests.values())
    late = missing(manifests, intent.components, intent.graph)
    assert [str(each) for each in late if each.where != "webhooks"] == []  # stand-ins ask nobody


def test_what_stand_ins_render_is_as_its_kinds_want_it(
    programs: Renderer, intent: Intent, progress: Progress
):
    manifests = {each.name: each.objects for _, each in rendered(programs, intent.values)}
    with progress.task("schemas") as task:
        kubernetes = schemas_of(intent.kubernetes, task)
    found = judgement(intent, manifests, {}, kubernetes)
    assert [str(each) for each in found.flaws] == []
    assert found.objects > len(manifests)
    wrong = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replica": 1}}
    told = judgement(intent, {**manifests, "harbor": [wrong]}, {}, kubernetes).flaws
    assert [(each.path, each.suggestion) for each in told if each.component == "harbor"] == [
        ("spec", ""),
        ("spec", ""),
        ("spec.replica", 'did you mean "replicas"?'),
    ]


def test_the_images_of_stand_ins_are_told_as_not_declared(programs: Renderer, intent: Intent):
    manifests = {
        each.name: each.objects
        for _, each in rendered(programs, intent.values)
        if each.name in intent.components
    }
    (found,) = [
        each for each in images(intent.stack, manifests, intent.catalogue).images if "stand-in" in str(each)
    ]
    assert (found.repository, found.tag) == ("docker.io/library/stand-in", "1")
    assert "cert-manager" in found.undeclared


def test_a_cluster_has_nothing_of_a_component_and_then_just_what_is_rendered(
    programs: Renderer, intent: Intent, argo_cd: ArgoCd
):
    """By the API server's own dry run: what it adds is no difference."""
    name, namespace = "metrics-server", "difference"
    chosen = programs.application(name, intent.values.applications[name].spec)
    wanted = side(intent.values, {name: chosen.objects}, {}, NAMESPACE)

    def changed() -> dict[str, str]:
        with closing(Api(argo_cd.cluster.kubeconfig.read_text())) as api:
            live = Live(api.answer)
            before, after, refused = live.against(wanted, {name: namespace}, lambda _: None)
        assert refused == {}
        found = difference(intent.stack, "cluster", before, after, name).components
        return {each.kind: each.how for component in found for each in component.objects}

    kubectl = argo_cd.cluster.kubectl
    kubectl.run("create", "namespace", namespace)
    try:
        assert changed()["Deployment"] == "added"
        kubectl.run("apply", "-n", namespace, "-f", "-", stdin=chosen.text)
        assert changed() == {}
        kubectl.run("label", "deployments", "--all", "-n", namespace, "of-others=stays")
        assert changed() == {}
        kubectl.run("set", "image", "deployments", "--all", "*=other:1", "-n", namespace)
        assert changed() == {"Deployment": "changed"}
    finally:
        kubectl.run("delete", "namespace", namespace)
