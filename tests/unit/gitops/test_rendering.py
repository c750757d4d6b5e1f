"""What is asked of Helm and kustomize, by programs that write down what they are asked."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from tests.unit.gitops.platforms import platform

from terp.errors import TerpError
from terp.gitops.argo import ApplicationSource, ApplicationSpec
from terp.gitops.intent import Intent
from terp.gitops.publication import publish
from terp.gitops.reading import read_catalogue
from terp.gitops.rendering import Rendered, Renderer, cluster_of, rendered
from terp.gitops.rendering.helm import Cluster, Helm
from terp.gitops.rendering.kustomize import Kustomize
from terp.gitops.rendering.render import pinned
from terp.gitops.rendering.upstreams import Upstreams
from terp.gitops.root import RootValues, root_values
from terp.paths import PROJECT

CATALOGUE = read_catalogue()
OWN = "https://git.example.org/terp.git"
ASKED = """\
#!/bin/sh
printf '%s\\n' "$@" >> "$0.asked"
cat > "$0.values"
echo 'kind: Rendered'
"""
PULLS = """\
#!/bin/sh
[ "$1" = pull ] || exec echo 'kind: Rendered'
echo "$2 $4 $6" >> "$0.asked"
touch "$8/$2-$6.tgz"
"""
NOT_REACHED = """\
#!/bin/sh
echo "$2" >> "$0.asked"
echo 'Error: Get "https://charts.example.org": dial tcp: no such host' >&2
exit 1
"""
BUILDS = """\
#!/bin/sh
cat "$2/kustomization.yaml"
"""


class Programs:
    """A renderer whose programs are scripts."""

    def __init__(self, root: Path, helm: str, given: Path | None = None) -> None:
        self.root = root
        scripts = {"helm": helm, "kustomize": BUILDS}
        for name, text in scripts.items():
            (root / name).write_text(text)
            (root / name).chmod(0o755)
        tool = Helm(root / "helm", root / "home")
        upstreams = Upstreams(tool, root / "cache", root / "scratch", given)
        cluster = Cluster(version="1.36.3", kinds=("example.org/v1",))
        self.renderer = Renderer(tool, Kustomize(root / "kustomize"), upstreams, cluster, OWN)

    def asked(self) -> list[str]:
        return (self.root / "helm.asked").read_text().splitlines()

    def values(self) -> Mapping[str, object]:
        found: Mapping[str, object] = yaml.safe_load((self.root / "helm.values").read_text())
        return found


def values(**keys: object) -> RootValues:
    return root_values("test", platform(**keys), CATALOGUE)


def spec(name: str, **keys: object) -> ApplicationSpec:
    return values(**keys).applications[name].spec


def alone(name: str) -> ApplicationSpec:
    """A component without what is made around it."""
    whole = spec(name)
    return whole.model_copy(update={"sources": whole.sources[:-1]})


def test_a_chart_of_ours_is_rendered_as_argo_cd_does(tmp_path: Path):
    programs = Programs(tmp_path, ASKED)
    found = programs.renderer.application("vault-issuer", alone("vault-issuer"))
    assert found.objects == [{"kind": "Rendered"}]
    folder = PROJECT / "charts" / "vault-issuer"
    assert programs.asked() == [
        *("template", str(folder), "--name-template", "vault-issuer", "--namespace", "cert-manager"),
        *("--include-crds", "--skip-tests", "--kube-version", "1.36.3", "--api-versions", "example.org/v1"),
        *("--values", str(folder / "values.yaml"), "--values", "-"),
    ]
    assert programs.values() == {"server": "https://vault.vault.svc:8200"}


def test_a_chart_of_others_gets_our_values_from_the_work_tree(tmp_path: Path):
    charts = tmp_path / "charts"
    charts.mkdir()
    archive = charts / f"cert-manager-{CATALOGUE.version('cert-manager')}.tgz"
    archive.touch()
    programs = Programs(tmp_path, ASKED, charts)
    assert not programs.renderer.application("cert-manager", alone("cert-manager")).error
    assert programs.asked()[1] == str(archive)
    assert str(PROJECT / "charts" / "cert-manager" / "values.yaml") in programs.asked()
    assert programs.values()["replicaCount"] == 1


def test_what_is_made_around_a_component_is_rendered_with_it(tmp_path: Path):
    programs = Programs(tmp_path, ASKED)
    found = programs.renderer.application("vault-issuer", spec("vault-issuer"))
    assert found.objects == [{"kind": "Rendered"}, {"kind": "Rendered"}]
    assert str(PROJECT / "charts" / "surroundings") in programs.asked()
    assert programs.values() == {"policy": {"ingress": [], "egress": []}}


def test_a_chart_is_fetched_once(tmp_path: Path):
    programs = Programs(tmp_path, PULLS)
    for _ in range(2):
        assert not programs.renderer.application("harbor", spec("harbor")).error
    assert programs.asked() == ["harbor https://helm.goharbor.io 1.19.1"]


def test_a_chart_that_cannot_be_had_is_told_with_the_way_out(tmp_path: Path):
    programs = Programs(tmp_path, NOT_REACHED)
    found = programs.renderer.application("harbor", spec("harbor"))
    assert found.error
    assert found.objects == []
    assert str(found.error) == (
        'chart harbor 1.19.1 cannot be had: Error: Get "https://charts.example.org": dial tcp: no such host\n'
        "  --charts names a folder that has it"
    )


def test_a_host_that_is_not_reached_is_not_asked_again(tmp_path: Path):
    programs = Programs(tmp_path, NOT_REACHED)
    charts = ("cert-manager", "trust-manager")
    first, second = (programs.renderer.application(each, spec("cert-manager")) for each in charts)
    assert first.error
    assert second.error
    assert "charts.jetstack.io could not be reached before" in second.error.message
    assert len(programs.asked()) == 1


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (None, "has neither harbor-1.19.1.tgz nor harbor/Chart.yaml"),
        ("1.0.0", "is version 1.0.0"),
    ],
)
def test_a_folder_must_have_the_very_version(version: str | None, said: str, tmp_path: Path):
    charts = tmp_path / "charts"
    charts.mkdir()
    if version:
        (charts / "harbor").mkdir()
        (charts / "harbor" / "Chart.yaml").write_text(f"version: {version}\n")
    found = Programs(tmp_path, ASKED, charts).renderer.application("harbor", spec("harbor"))
    assert found.error
    assert said in found.error.message


SECRET = "kind: Secret\nmetadata: { name: token-9c2fbg2gdc }\n"


def source(repository: Path, commit: str, **keys: object) -> ApplicationSpec:
    """An Application of the manifests in a repository."""
    at = {"repoURL": repository.as_uri(), "targetRevision": commit, "path": "base", **keys}
    return spec("katib").model_copy(update={"sources": (ApplicationSource.model_validate(at),)})


def test_patches_come_after_those_that_a_kustomization_has_and_are_taken_back(tmp_path: Path):
    repository = tmp_path / "owner" / "name"
    commit = publish(repository, {"base/kustomization.yaml": SECRET + "patches: [{ path: theirs.yaml }]\n"})
    programs = Programs(tmp_path, ASKED)
    ours = {"target": {"kind": "Secret"}, "patch": "$patch: delete\n"}
    patched = programs.renderer.application("a", source(repository, commit, kustomize={"patches": [ours]}))
    assert [each["patches"] for each in patched.objects] == [[{"path": "theirs.yaml"}, ours]]
    plain = programs.renderer.application("b", source(repository, commit))
    assert [each["patches"] for each in plain.objects] == [[{"path": "theirs.yaml"}]]


@pytest.mark.parametrize("name", ["token", "token|other", "tok.*"])
def test_a_patch_finds_its_target_by_the_name_without_the_hash(name: str, tmp_path: Path):
    repository = tmp_path / "owner" / "name"
    commit = publish(repository, {"base/kustomization.yaml": SECRET})
    ours = {"target": {"kind": "Secret", "name": name}, "patch": "$patch: delete\n"}
    found = Programs(tmp_path, ASKED).renderer.application(
        "a", source(repository, commit, kustomize={"patches": [ours]})
    )
    assert not found.error


@pytest.mark.parametrize(("kind", "name"), [("Secret", "oken"), ("ConfigMap", "token")])
def test_a_patch_without_a_target_is_told(kind: str, name: str, tmp_path: Path):
    repository = tmp_path / "owner" / "name"
    commit = publish(repository, {"base/kustomization.yaml": SECRET})
    ours = {"target": {"kind": kind, "name": name}, "patch": "$patch: delete\n"}
    found = Programs(tmp_path, ASKED).renderer.application(
        "a", source(repository, commit, kustomize={"patches": [ours]})
    )
    assert found.error
    assert found.error.message == f"a patch has no target: there is no {kind} {name}"


def test_manifests_without_a_kustomization_are_taken_as_they_are(tmp_path: Path):
    repository = tmp_path / "owner" / "name"
    files = {"base/b.yaml": "kind: B\n", "base/a.yml": "kind: A\n---\nkind: A2\n", "base/README.md": "no\n"}
    commit = publish(repository, files)
    found = Programs(tmp_path, ASKED).renderer.application("a", source(repository, commit))
    assert [each["kind"] for each in found.objects] == ["A", "A2", "B"]


def test_one_file_of_a_kustomization_is_taken_as_it_is(tmp_path: Path):
    repository = tmp_path / "owner" / "name"
    files = {"base/kustomization.yaml": SECRET, "base/a.yaml": "kind: A\n", "base/b.yaml": "kind: B\n"}
    one = source(repository, publish(repository, files), directory={"include": "b.yaml"})
    found = Programs(tmp_path, ASKED).renderer.application("a", one)
    assert [each["kind"] for each in found.objects] == ["B"]


def test_a_folder_has_repositories_by_owner_and_name(tmp_path: Path):
    mirror = tmp_path / "mirror"
    commit = publish(mirror / "kubeflow" / "community-distribution", {"base/a.yaml": "kind: A\n"})
    at = {
        "repoURL": "https://github.com/kubeflow/community-distribution",
        "targetRevision": commit,
        "path": "base",
    }
    one = spec("katib").model_copy(update={"sources": (ApplicationSource.model_validate(at),)})
    programs = Programs(tmp_path, ASKED, mirror)
    assert programs.renderer.application("katib", one).objects == [{"kind": "A"}]


def test_a_repository_without_the_commit_is_told(tmp_path: Path):
    repository = tmp_path / "owner" / "name"
    publish(repository, {"base/a.yaml": "kind: A\n"})
    found = Programs(tmp_path, ASKED).renderer.application("a", source(repository, "0" * 40))
    assert found.error
    assert found.error.message.startswith("owner/name at 000000000000 cannot be had: ")


def test_the_root_comes_first_and_then_all_by_waves(tmp_path: Path):
    programs, found = Programs(tmp_path, PULLS), values(providers={"issuer": "self-signed-issuer"})
    pairs = list(rendered(programs.renderer, found))
    names = [each.name for _, each in pairs]
    assert names[0] == "platform"
    waves = [found.applications[name].wave for name in names[1:]]
    assert waves == sorted(waves)
    assert pairs[-1][0] == 1


def test_one_that_is_not_of_the_environment_is_refused(tmp_path: Path):
    programs = Programs(tmp_path, ASKED)
    with pytest.raises(TerpError) as caught:
        list(rendered(programs.renderer, values(), "habor"))
    assert caught.value.hint == 'did you mean "harbor"?'
    assert caught.value.exit_code == 2


def test_charts_are_told_of_the_kinds_that_components_bring():
    kinds = cluster_of(Intent.of("test", platform(), CATALOGUE)).kinds
    assert {"cert-manager.io/v1", "cert-manager.io/v1/Certificate"} <= set(kinds)


@pytest.mark.parametrize("given", [True, False])
def test_an_archive_that_is_not_the_pinned_one_is_refused_with_both_digests(given: bool, tmp_path: Path):
    folder = tmp_path / "charts"
    folder.mkdir()
    (folder / "harbor-1.0.0.tgz").touch()
    helm = tmp_path / "helm"
    helm.write_text(PULLS)
    helm.chmod(0o755)
    empty = hashlib.sha256(b"").hexdigest()
    places = (
        Helm(helm, tmp_path / "home"),
        tmp_path / "cache",
        tmp_path / "scratch",
        folder if given else None,
    )
    right = Upstreams(*places, {"harbor-1.0.0": empty})
    assert right.chart("https://charts.example.org", "harbor", "1.0.0").name == "harbor-1.0.0.tgz"
    wrong = Upstreams(*places, {"harbor-1.0.0": "0" * 64})
    with pytest.raises(TerpError) as caught:
        wrong.chart("https://charts.example.org", "harbor", "1.0.0")
    assert f"SHA-256 {empty} instead of {'0' * 64}" in caught.value.message


def test_the_digests_of_all_charts_are_known_by_name_and_version():
    harbor = CATALOGUE.upstreams["harbor"].model_copy(update={"digests": {"harbor": "0" * 64}})
    catalogue = CATALOGUE.model_copy(update={"upstreams": {**CATALOGUE.upstreams, "harbor": harbor}})
    assert pinned(catalogue) == {f"harbor-{harbor.version}": "0" * 64}


def test_scalars_are_read_as_kubernetes_reads_them():
    found = Rendered("a", "kind: A\nday: 2026-01-01\nsigns: [=, '!=']\n").objects
    assert found == [{"kind": "A", "day": "2026-01-01", "signs": ["=", "!="]}]
