"""What would change, against a revision and against a cluster that is played."""

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from terp.errors import TerpError
from terp.gitops.difference import Side, difference, tree_of
from terp.gitops.difference.compare import Difference, Place, identity, version
from terp.gitops.difference.live import Live, without

Object = dict[str, Any]
NONE = Side({}, {})


def config(name: str = "a", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": data}


def side(*objects: Object, wave: int = 1, at: str = "1.0.0", failed: Mapping[str, str] | None = None) -> Side:
    named = {identity(each, "harbor"): each for each in objects}
    return Side({"harbor": Place(wave, at)}, {"harbor": named}, failed or {})


def changes(before: Side, after: Side) -> Difference:
    return difference("test", "HEAD", before, after)


def test_the_same_is_no_difference():
    assert changes(side(config(a="1")), side(config(a="1"))).components == ()


def test_versions_waves_and_objects_that_change_are_told():
    found = changes(
        side(config(a="1"), config("old")), side(config(a="2"), config("new"), wave=2, at="1.1.0")
    )
    (harbor,) = found.components
    assert harbor.version and (harbor.version.before, harbor.version.after) == ("1.0.0", "1.1.0")
    assert harbor.wave and (harbor.wave.before, harbor.wave.after) == (1, 2)
    assert {each.name: each.how for each in harbor.objects} == {
        "a": "changed",
        "new": "added",
        "old": "removed",
    }
    assert (found.count("added"), found.count("changed"), found.count("removed")) == (1, 1, 1)
    assert "-  a: '1'\n+  a: '2'" in harbor.objects[0].diff


def test_a_component_comes_and_another_goes():
    assert [each.how for each in changes(NONE, side(config())).components] == ["added"]
    assert [each.how for each in changes(side(config()), NONE).components] == ["removed"]


def test_text_of_several_lines_is_compared_by_lines():
    (harbor,) = changes(side(config(f="one\ntwo\n")), side(config(f="one\nthree\n"))).components
    assert "-    two\n+    three" in harbor.objects[0].diff


def test_what_a_secret_holds_is_never_shown():
    before = {**secret(), "data": {"same": base64.b64encode(b"canary-1").decode(), "other": "Y2FuYXJ5LTI="}}
    found = changes(side(before), side(secret(same="canary-1", other="canary-3")))
    text = found.model_dump_json()
    assert "canary" not in text
    assert "Y2FuYXJ5" not in text
    diff = found.components[0].objects[0].diff
    assert "-  other: (secret, before)\n+  other: (secret, after)" in diff
    assert "   same: (secret)" in diff
    assert changes(side(secret(a="x")), side(secret(a="x"))).components == ()


def test_who_could_not_be_rendered_is_told_and_not_compared():
    found = changes(side(config(a="1")), side(failed={"harbor": "no chart"}))
    assert (found.components, found.failed) == ((), {"harbor": "no chart"})


def test_one_component_alone_is_compared():
    others = Side({"harbor": Place(1, ""), "loki": Place(2, "")}, {})
    assert [each.component for each in difference("test", "HEAD", NONE, others, "loki").components] == [
        "loki"
    ]


def test_a_version_is_that_of_a_chart_or_a_commit_and_of_ours_none():
    assert version([{"chart": "harbor", "targetRevision": "1.0", "helm": {}}]) == "1.0"
    assert version([{"path": "a", "targetRevision": "0" * 40}]) == "0" * 40
    assert version([{"path": "charts/a", "targetRevision": "main", "helm": {}}]) == ""


def git(place: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(("git", "-C", str(place), *who, *arguments), check=True, timeout=60, capture_output=True)


def test_the_files_of_a_revision_are_there_while_they_are_compared(tmp_path: Path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("then")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "then")
    (tmp_path / "file").write_text("now")
    with tree_of("HEAD", tmp_path) as tree:
        assert (tree / "file").read_text() == "then"
    assert not tree.exists()
    assert (tmp_path / "file").read_text() == "now"


def test_a_revision_that_there_is_not_is_refused(tmp_path: Path):
    git(tmp_path, "init", "--quiet")
    with pytest.raises(TerpError, match='there is no revision "--all"') as caught, tree_of("--all", tmp_path):
        pass
    assert caught.value.exit_code == 2


class Cluster:
    """An API that has some objects; a dry run adds what the server would."""

    def __init__(self, *objects: Object, applications: tuple[Object, ...] = (), refuses: str = "") -> None:
        self.objects = {each["metadata"]["name"]: each for each in objects}
        self.applications, self.refuses = applications, refuses
        self.asked: list[str] = []

    def __call__(self, method: str, path: str, body: object) -> tuple[int, Any]:
        self.asked.append(f"{method} {path}")
        if path == "/api/v1":
            kinds = {"configmaps": "ConfigMap", "secrets": "Secret"}
            listed = [{"name": name, "kind": kind, "namespaced": True} for name, kind in kinds.items()]
            return 200, {"resources": [*listed, {"name": "secrets/x", "kind": "X", "namespaced": True}]}
        if path.endswith("/applications"):
            return 200, {"items": self.applications}
        if path == "/apis/new.org/v1":
            return 404, {"message": "not found"}
        name = path.partition("?")[0].rpartition("/")[2]
        if name not in self.objects:
            return 404, {"message": "not found"}
        if method == "GET":
            return 200, self.objects[name]
        if self.refuses:
            return 422, {"message": self.refuses}
        there, wanted = self.objects[name], json.loads(json.dumps(body))
        server = {"metadata": {**there["metadata"], **wanted["metadata"], "generation": 2}}
        return 200, {**there, **wanted, **server}


def live(cluster: Cluster, *objects: Object) -> Difference:
    wanted = side(*objects)
    before, after, refused = Live(cluster).against(wanted, {"harbor": "harbor"}, lambda _: None)
    return difference("test", "cluster", before, after, None, refused)


def application(**status: Any) -> Object:
    notes = {"argocd.argoproj.io/sync-wave": "1"}
    sources = [{"chart": "harbor", "targetRevision": "0.9.0"}]
    return {
        "metadata": {"name": "harbor", "annotations": notes},
        "spec": {"sources": sources},
        "status": status,
    }


def test_what_the_server_adds_is_no_difference():
    there = {**config(a="1"), "immutable": False, "status": {"x": 1}}
    there["metadata"] = {
        "name": "a",
        "uid": "u",
        "generation": 1,
        "annotations": {"argocd.argoproj.io/tracking-id": "harbor"},
    }
    cluster = Cluster(there, applications=(application(),))
    (harbor,) = live(cluster, config(a="1")).components
    assert harbor.objects == ()
    assert harbor.version and harbor.version.before == "0.9.0"
    assert cluster.asked[-1] == (
        "PATCH /api/v1/namespaces/harbor/configmaps/a?dryRun=All&force=true&fieldManager=argocd-controller"
    )
    assert not [each for each in cluster.asked if each.startswith("PATCH") and "dryRun=All" not in each]


def test_what_is_new_on_a_cluster_is_added_and_what_is_not_rendered_any_more_removed():
    has = [
        {"version": "v1", "kind": "ConfigMap", "namespace": "harbor", "name": "old"},
        {"version": "v1", "kind": "ConfigMap", "namespace": "harbor", "name": "a"},
    ]
    new = {"apiVersion": "new.org/v1", "kind": "Widget", "metadata": {"name": "w"}}
    cluster = Cluster(config(a="1"), applications=(application(resources=has),))
    (harbor,) = live(cluster, config(a="2"), config("b"), new).components
    found = {each.name: each.how for each in harbor.objects}
    assert found == {"a": "changed", "b": "added", "old": "removed", "w": "added"}
    assert not [each for each in cluster.asked if each.endswith("/old")]


def test_what_the_last_manifest_had_and_this_one_has_not_goes():
    last = {"spec": {"replicas": 2, "containers": [{"name": "a", "env": [{"name": "X"}, {"name": "Y"}]}]}}
    there = {
        "spec": {
            "replicas": 2,
            "paused": False,
            "containers": [{"name": "a", "env": [{"name": "X"}, {"name": "Y"}]}, {"name": "injected"}],
        }
    }
    now = {"spec": {"containers": [{"name": "a", "env": [{"name": "Y"}]}]}}
    assert without(there, last, now) == {
        "spec": {"paused": False, "containers": [{"name": "a", "env": [{"name": "Y"}]}, {"name": "injected"}]}
    }


def test_a_namespace_that_was_filled_in_when_it_was_applied_does_not_go():
    there = config(a="1")
    there["metadata"] |= {"namespace": "harbor", "annotations": {}}
    last = {**there, "metadata": {**there["metadata"]}}
    there["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(last)}
    assert live(Cluster(there, applications=(application(),)), config(a="1")).components[0].objects == ()


def test_hooks_are_not_expected_to_be_there():
    hook = config("hook")
    hook["metadata"]["annotations"] = {"helm.sh/hook": "pre-install"}
    cluster = Cluster(applications=(application(),))
    (harbor,) = live(cluster, hook).components
    assert harbor.objects == ()


def test_what_the_server_refuses_is_told():
    found = live(Cluster(config(a="1"), refuses="field is immutable"), config(a="2"))
    assert found.failed == {"harbor": "the API server refuses ConfigMap a: field is immutable"}
