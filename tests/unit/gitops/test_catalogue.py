"""All components together: what stands in the folders, and what is refused."""

from pathlib import Path

import pytest
import yaml

from terp.environment.components import FILE
from terp.gitops.component import Own
from terp.gitops.facts import fill, placeholders
from terp.gitops.reading import InvalidCatalogueError, read_catalogue

CATALOGUE = read_catalogue()
PROJECT = Path(__file__).parents[3]
VERSIONS = """\
cert-manager: { charts: "https://charts.jetstack.io", version: v1.20.3 }
kubeflow: { git: "https://github.com/kubeflow/community-distribution", version: "26.03", commit: "%s" }
""" % ("0" * 40)
COMPONENT = """\
description: Issues certificates.
source: { kind: chart, upstream: cert-manager, chart: cert-manager }
licence: Apache-2.0
layer: system
namespace: cert-manager
"""


def catalogue(root: Path, **components: str) -> Path:
    """A work tree with these components; a name that ends with _ lies in kustomize."""
    for name, text in {"cert_manager": COMPONENT, **components}.items():
        place = "kustomize" if name.endswith("_") else "charts"
        folder = root / place / name.strip("_").replace("_", "-")
        folder.mkdir(parents=True)
        (folder / FILE).write_text(text)
    (root / "charts" / "versions.yaml").write_text(VERSIONS)
    return root


def refused(root: Path) -> str:
    with pytest.raises(InvalidCatalogueError) as caught:
        read_catalogue(root)
    assert caught.value.exit_code == 2
    return str(caught.value).partition("\n\n")[2]


def test_every_part_of_the_platform_is_there():
    for name in (
        *("argo-cd", "cert-manager", "gatekeeper", "gpu-operator", "istiod", "istio-ingressgateway"),
        *("vault", "openbao", "minio", "seaweedfs", "rook-ceph-cluster", "cloudnative-pg", "valkey"),
        *("keycloak", "harbor", "kube-prometheus-stack", "loki", "alloy", "velero"),
        *("kubeflow-profiles", "kubeflow-dashboard", "kubeflow-pipelines", "katib", "trainer", "kserve"),
        *("notebook-controller", "spark-operator", "model-registry", "knative-serving", "dex"),
    ):
        assert name in CATALOGUE.components


def test_no_upstream_is_left_that_nobody_takes():
    taken = {each.source.upstream for each in CATALOGUE.components.values()}
    assert CATALOGUE.upstreams.keys() == taken - {None}


def test_a_chart_of_ours_is_there():
    for name, each in CATALOGUE.components.items():
        chart = PROJECT / "charts" / name / "Chart.yaml"
        assert chart.exists() == isinstance(each.source, Own), name
        assert not chart.exists() or yaml.safe_load(chart.read_text())["name"] == name


def test_what_has_secrets_waits_for_the_store_that_they_come_from():
    for name, each in CATALOGUE.components.items():
        assert not each.secrets or "secret-store" in each.needs, name


def test_what_is_not_maintained_or_not_free_warns():
    free = {"Apache-2.0", "MPL-2.0", "MIT", "BSD-3-Clause", "AGPL-3.0-only", "LGPL-2.1-only"}
    for name, each in CATALOGUE.components.items():
        assert each.warning or (each.status != "archived" and each.licence in free), name


def test_a_small_catalogue_is_read(tmp_path: Path):
    found = read_catalogue(catalogue(tmp_path))
    assert list(found.components) == ["cert-manager"]
    assert found.capabilities == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            COMPONENT + "need: [cert-manager]\n",
            'charts/x/component.yaml:6: need\n  unknown key "need"\n  did you mean "needs"?',
        ),
        (
            COMPONENT.replace("layer: system\n", ""),
            'charts/x/component.yaml:1: layer\n  "layer" is missing',
        ),
        (
            COMPONENT.replace("system", "sistem"),
            'charts/x/component.yaml:4: layer\n  "sistem" is no layer\n  did you mean "system"?',
        ),
        (
            COMPONENT + "needs: [cert-manger]\n",
            "charts/x/component.yaml:6: needs[0]\n"
            '  unknown need "cert-manger": neither a component nor a capability\n'
            '  did you mean "cert-manager"?',
        ),
        (
            COMPONENT + "needs: [x]\n",
            'charts/x/component.yaml:6: needs[0]\n  "x" would need itself\n  leave it out',
        ),
        (
            COMPONENT.replace("upstream: cert-manager", "upstream: cert-manger"),
            "charts/x/component.yaml:2: source.upstream\n"
            '  "cert-manger" is not in charts/versions.yaml as chart\n'
            '  did you mean "cert-manager"?',
        ),
        (
            COMPONENT.replace("upstream: cert-manager", "upstream: kubeflow"),
            "charts/x/component.yaml:2: source.upstream\n"
            '  "kubeflow" is not in charts/versions.yaml as chart\n'
            "  possible: cert-manager",
        ),
        (
            COMPONENT.replace("chart: cert-manager }", "path: a }"),
            "charts/x/component.yaml:2: source.chart\n"
            '  "chart" is missing\n\n'
            'charts/x/component.yaml:2: source.path\n  unknown key "path"\n  it belongs elsewhere',
        ),
        (
            COMPONENT.replace(
                "{ kind: chart, upstream: cert-manager, chart: cert-manager }",
                "{ kind: manifests, upstream: kubeflow, path: a }",
            ),
            "charts/x/component.yaml:2: source.kind\n  manifests belongs in kustomize/\n"
            "  move the folder to kustomize/",
        ),
        (
            COMPONENT + "values: { externalURL: 'https://x.{domian}' }\n",
            'charts/x/component.yaml:6: values.externalURL\n  unknown {domian}\n  did you mean "domain"?',
        ),
        (
            COMPONENT + "provides: { cert-manager: a }\n",
            'charts/x/component.yaml:6: provides.cert-manager\n  "cert-manager" is the name of a component\n'
            "  another name",
        ),
        ("a: [\n", "charts/x/component.yaml:2: component\n  no YAML: did not find expected node content"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_would_be_right(tmp_path: Path, text: str, message: str):
    assert refused(catalogue(tmp_path, x=text)) == message


def test_a_value_is_told_of_a_capability_that_is_needed(tmp_path: Path):
    store = COMPONENT + "provides: { s3: 'https://s3' }\n"
    reader = COMPONENT + "values: { endpoint: '{s3}' }\n"
    assert refused(catalogue(tmp_path, store=store, reader=reader)) == (
        "charts/reader/component.yaml:6: values.endpoint\n  {s3} is told to those that need it\n  needs: [s3]"
    )


@pytest.mark.parametrize(("word", "known"), [("replicas", True), ("replica", False), ("s3", False)])
def test_a_patch_is_told_what_values_are_told(tmp_path: Path, word: str, known: bool):
    patch = f"{{ why: a, target: {{ kind: Deployment }}, patch: 'replicas: {{{word}}}' }}"
    source = f"{{ kind: manifests, upstream: kubeflow, path: a, patches: [{patch}] }}"
    component = COMPONENT.replace("{ kind: chart, upstream: cert-manager, chart: cert-manager }", source)
    store = COMPONENT + "provides: { s3: 'https://s3' }\n"
    said = refused(catalogue(tmp_path, x=component, store=store))
    assert ("source.patches[0].patch" in said) is not known


def test_only_words_in_braces_are_filled_in():
    text = "${HOME} ${name} {{ workflow.name }} {{name}} {} { a: 1 } {name}"
    assert placeholders(text) == ["name"]
    assert fill(text, {"name": 3}) == "${HOME} ${name} {{ workflow.name }} {{name}} {} { a: 1 } 3"
    assert fill("{name}", {"name": 3}) == 3


def test_a_copy_of_no_secret_is_refused(tmp_path: Path):
    key = "{ name: password, origin: copied, copy_of: cert-manager/a/b }"
    text = COMPONENT + f"secrets:\n  - name: a\n    description: It.\n    keys: [{key}]\n"
    assert 'there is no secret "cert-manager/a/b"' in refused(catalogue(tmp_path, x=text))


def test_a_copy_of_a_copy_is_refused(tmp_path: Path):
    secret = "secrets:\n  - name: a\n    description: It.\n    keys: [%s]\n"
    key = "{ name: %s, origin: copied, copy_of: %s }"
    x = COMPONENT + secret % "{ name: a }"
    y = COMPONENT + secret % (key % ("b", "x/a/a"))
    z = COMPONENT + secret % (key % ("c", "y/a/b"))
    said = refused(catalogue(tmp_path, x=x, y=y, z=z))
    assert '  "y/a/b" is a copy itself\n  x/a/a' in said


SECRET = "secrets: [{ name: a, description: It., keys: [{ name: k }] }]\n"
CLIENT = "clients: [{ name: %s, secret: %s, redirects: ['%s'] }]\n"
BUCKET = "buckets: [{ name: b, secret: a, access_key: k, secret_key: %s }]\n"
ROUTE = "routes: [{ host: web, service: web, port: 80 }]\n"
FOUND = COMPONENT + "needs: [secret-store, oidc, s3, postgres, istio-ingressgateway]\n"
STORE = COMPONENT + "provides: { s3: a, oidc: b, postgres: c }\n"


def said_of(tmp_path: Path, text: str, **more: str) -> str:
    """What is refused of a component beside all that declarations need."""
    there = {"secret_store": COMPONENT, "istio_ingressgateway": COMPONENT, "store": STORE, **more}
    return refused(catalogue(tmp_path, x=text, **there))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flows: [{ to: stor, ports: [1] }]\n", 'flows[0].to\n  a flow to "stor", which is neither'),
        ("flows: [{ to: kubernets, ports: [1] }]\n", 'did you mean "kubernetes"?'),
        (
            SECRET.replace("name: k", "name: k, origin: given"),
            "secrets[0].keys[0]\n  who gives it is not told what it is",
        ),
        (
            SECRET + ROUTE + CLIENT % ("c", "a/kk", "https://web.{domain}/"),
            'clients[0].secret\n  its secrets have no key "a/kk"\n  did you mean "a/k"?',
        ),
        (SECRET + BUCKET % "kk", 'buckets[0].secret_key\n  its secrets have no key "a/kk"'),
        (
            SECRET + BUCKET.replace("access_key: k", "access_key: kk") % "k",
            'buckets[0].access_key\n  its secrets have no key "a/kk"',
        ),
        (
            SECRET + ROUTE + CLIENT % ("c", "a/k", "https://wep.{domain}/"),
            'clients[0].redirects[0]\n  no route leads to "wep"\n  did you mean "web"?',
        ),
        (
            SECRET + CLIENT % ("c", "a/k", "https://web.example.org/"),
            "clients[0].redirects[0]\n  people are sent back below https://<host>.{domain}",
        ),
        ("values: { a: 'of {hosts}' }\n", 'values.a\n  {hosts} is a list, and stands alone\n  "{hosts}"'),
    ],
)
def test_a_declaration_that_leads_to_nothing_is_refused(tmp_path: Path, text: str, message: str):
    assert message in said_of(tmp_path, FOUND + text)


@pytest.mark.parametrize(
    ("text", "need"),
    [
        (SECRET, "secret-store"),
        (SECRET + BUCKET % "k", "s3"),
        ("clients: [{ name: c, redirects: ['http://localhost:8000'] }]\n", "oidc"),
        ("databases: [{ name: d, database: d, size: 1Gi }]\n", "postgres"),
        ("databases: [{ name: d, database: d, size: 1Gi }]\n", "secret-store"),
        (ROUTE, "istio-ingressgateway"),
    ],
)
def test_a_declaration_needs_who_makes_it_true(tmp_path: Path, text: str, need: str):
    others = [each for each in ("secret-store", "oidc", "s3", "postgres") if each != need]
    others += [each for each in ("istio-ingressgateway",) if each != need]
    message = f"need {need}\n  needs: [{need}]"
    assert message in said_of(tmp_path, f"{COMPONENT}needs: [{', '.join(others)}]\n{text}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SECRET, "secrets[0]\n  Secret cert-manager/a is also declared by y\n  keep one"),
        (ROUTE, 'routes[0].host\n  "web" is also another\'s'),
        (SECRET + BUCKET % "k", 'buckets[0].name\n  "b" is also another\'s'),
        ("clients: [{ name: c, redirects: ['http://localhost'] }]\n", 'clients[0].name\n  "c" is also'),
    ],
)
def test_what_there_is_one_of_has_one_owner(tmp_path: Path, text: str, message: str):
    assert message in said_of(tmp_path, FOUND + text, y=FOUND + text)


def test_what_makes_a_declaration_true_may_be_needed_by_its_own_name(tmp_path: Path):
    realm = COMPONENT + "needs: [store]\nclients: [{ name: c, redirects: ['http://localhost'] }]\n"
    assert "x" in read_catalogue(catalogue(tmp_path, x=realm, store=STORE)).components


def test_what_is_declared_rightly_is_taken(tmp_path: Path):
    redirect = CLIENT % ("c", "a/k", "https://web.{domain}/callback")
    text = FOUND + SECRET + ROUTE + redirect + BUCKET % "k" + "values: { a: '{hosts}' }\n"
    there = {"secret_store": COMPONENT, "istio_ingressgateway": COMPONENT, "store": STORE}
    assert "x" in read_catalogue(catalogue(tmp_path, x=text, **there)).components


def test_two_components_cannot_bring_one_kind(tmp_path: Path):
    text = COMPONENT + "crds: [{ name: as.example.org, kind: A, versions: [v1] }]\n"
    said = refused(catalogue(tmp_path, x=text, y=text))
    assert "as.example.org is also brought by y" in said
    assert "as.example.org is also brought by x" in said


def test_a_mistake_in_the_versions_is_told(tmp_path: Path):
    root = catalogue(tmp_path)
    (root / "charts" / "versions.yaml").write_text(VERSIONS.replace("v1.20.3", "newest"))
    said = refused(root)
    assert said.startswith("charts/versions.yaml:1: cert-manager.version\n")
