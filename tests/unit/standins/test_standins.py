"""Stand-ins have what their components declare, and what they refer to is there."""

import tarfile
import threading
from pathlib import Path

import pytest
import yaml
from tests.unit.gitops.platforms import platform

from terp.cloud.services.sources import server_of
from terp.command import Command
from terp.gitops.component import Chart, Own
from terp.gitops.graph import graph
from terp.gitops.reading import read_catalogue
from terp.gitops.references import missing
from terp.gitops.root import root_values
from terp.gitops.selection import select
from terp.gitops.standins import is_stand_in, write
from terp.gitops.standins.files import chart, kustomization
from terp.gitops.standins.objects import READY_AFTER, WORKLOADS, definitions, objects, parts

CATALOGUE = read_catalogue()
ARGO_CD = """\
apiVersion: v1
kind: ConfigMap
metadata: { name: argocd-cm }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: argocd-server }
spec: { template: { spec: { containers: [{ name: server, image: argocd, imagePullPolicy: Always }] } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: argocd-dex-server }
spec: {}
"""
OF_OTHERS = [name for name, each in CATALOGUE.components.items() if not isinstance(each.source, Own)]


def every(name: str) -> list[dict[str, object]]:
    return [*definitions(name, CATALOGUE), *objects(name, CATALOGUE, {READY_AFTER: "1s"})]


@pytest.mark.parametrize("name", OF_OTHERS)
def test_a_stand_in_makes_what_its_component_declares(name: str):
    component = CATALOGUE.components[name]
    made = {(each["kind"], each["metadata"]["name"]) for each in every(name)}  # type: ignore[index]
    assert {(kind, of) for kind, _, of in map(parts, component.health)} <= made
    if name != "argo-cd":
        assert {("CustomResourceDefinition", crd.name) for crd in component.crds} <= made
    webhooks = {kind for kind, _ in made if kind.endswith("WebhookConfiguration")}  # type: ignore[attr-defined]
    assert len(webhooks) == len(component.webhooks)


@pytest.mark.parametrize("profile", ["small", "ha"])
def test_what_stand_ins_refer_to_is_made_in_an_earlier_wave(profile: str):
    selected = select(CATALOGUE, platform(profile=profile))
    manifests = {name: every(name) for name in selected.components if name in OF_OTHERS}
    found = missing(manifests, selected.components, graph(selected.needs))
    of_webhooks = [each for each in found if each.where == "webhooks"]  # which nobody asks anything
    assert [str(each) for each in found if each not in of_webhooks] == []


def test_pods_say_how_long_they_take_and_are_made_anew_when_a_value_changes():
    (deployment,) = [
        each
        for each in yaml.safe_load_all(chart("istiod", "istiod", "1.0.0", CATALOGUE)["templates/all.yaml"])
        if each["kind"] in WORKLOADS
    ]
    assert deployment["spec"]["template"]["metadata"]["annotations"] == {
        "stand-in/ready-after": "{{ .Values.standIn.readyAfter }}",
        "stand-in/values": "{{ .Values | toYaml | sha256sum }}",
    }


def test_a_namespace_that_nobody_has_made_before_is_made():
    names = [each["metadata"]["name"] for each in every("kubeflow-namespace") if each["kind"] == "Namespace"]  # type: ignore[index]
    assert names == ["kubeflow-system"]
    assert not [each for each in every("knative-serving") if each["kind"] == "Namespace"]


def test_a_kustomization_has_the_same_objects():
    text = kustomization("katib", CATALOGUE)["all.yaml"]
    assert list(yaml.safe_load_all(text)) == every("katib")


def test_a_folder_of_all_upstreams_is_a_helm_repository_and_has_git_repositories(tmp_path: Path):
    with server_of(tmp_path, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        catalogue = write(tmp_path, CATALOGUE, ARGO_CD, f"http://127.0.0.1:{server.server_port}")
        source, *_ = root_values("test", platform(), catalogue).applications["katib"].spec.sources
        clone = tmp_path / "clone"
        git = Command(("git",))
        git.run("clone", "--quiet", source.repo_url, clone)
        assert git.output("-C", clone, "rev-parse", "HEAD") == source.target_revision
        assert (clone / str(source.path) / "kustomization.yaml").exists()
        server.shutdown()
    entries = yaml.safe_load((tmp_path / "index.yaml").read_text())["entries"]
    of_charts = {
        each.source.chart for each in CATALOGUE.components.values() if isinstance(each.source, Chart)
    }
    assert entries.keys() == of_charts
    with tarfile.open(tmp_path / entries["harbor"][0]["urls"][0]) as archive:
        assert "harbor/Chart.yaml" in archive.getnames()


def test_the_same_catalogue_gives_the_same_bytes(tmp_path: Path):
    first, second = (write(tmp_path / each, CATALOGUE, ARGO_CD, "http://here") for each in ("a", "b"))
    assert first == second
    ours, theirs = (
        [file.read_bytes() for file in sorted((tmp_path / each).glob("*.tgz"))] for each in ("a", "b")
    )
    assert ours == theirs


def test_argo_cd_is_had_from_its_own_manifests_with_our_settings(tmp_path: Path):
    write(tmp_path, CATALOGUE, ARGO_CD, "http://here")
    (archive,) = tmp_path.glob("argo-cd-*.tgz")
    with tarfile.open(archive) as files:
        kept = files.extractfile("argo-cd/manifests.yaml")
        assert kept
        (server,) = yaml.safe_load_all(kept)
    assert server["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert not is_stand_in("argo-cd", CATALOGUE)
    assert is_stand_in("harbor", CATALOGUE)
    assert is_stand_in("katib", CATALOGUE)
    assert is_stand_in("minio", CATALOGUE)  # a chart of ours that runs what others make
    assert not is_stand_in("secret-store", CATALOGUE)
