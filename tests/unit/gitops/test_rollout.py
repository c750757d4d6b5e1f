"""What a rollout decides without a cluster: what is pending, what is wrong, what would change."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.gitops.platforms import platform

from terp.environment.platform import GitRepository
from terp.errors import TerpError
from terp.gitops import convergence
from terp.gitops.credential import read_credential, repository_secret
from terp.gitops.diagnosis import trouble
from terp.gitops.observation import REFRESH, SeenApplication, seen
from terp.gitops.reading import read_catalogue
from terp.gitops.resource import changes
from terp.gitops.root import RootValues, root_values

OURS = "https://git.example.org/terp.git"
CATALOGUE = read_catalogue()
SOURCES = [{"repoURL": OURS, "targetRevision": "a" * 40}]


@pytest.fixture(scope="module")
def values() -> RootValues:
    return root_values("test", platform(), CATALOGUE)


def all_well(values: RootValues, revision: str = "abc") -> dict[str, SeenApplication]:
    return {
        name: SeenApplication(
            name=name, wave=each.wave, health="Healthy", sync="Synced", message="", revisions={OURS: revision}
        )
        for name, each in values.applications.items()
    }


def test_nothing_is_pending_when_all_are_well_at_the_revision(values: RootValues):
    assert convergence.pending(values, all_well(values), OURS, "abc") == {}
    assert convergence.sentence(values, {}) == f"all {len(values.applications)} Applications are healthy"
    assert convergence.share(values, {}) == 1


def test_what_is_missing_held_or_of_an_earlier_revision_is_pending(values: RootValues):
    there = all_well(values)
    del there["harbor"]
    there["vault"] = there["vault"].model_copy(update={"message": "is Progressing"})
    there["loki"] = there["loki"].model_copy(update={"revisions": {OURS: "before"}})
    waiting = convergence.pending(values, there, OURS, "abc")
    assert waiting == {"harbor": "not there yet", "loki": "of an earlier revision", "vault": "is Progressing"}
    first = convergence.wave(values, waiting)
    assert convergence.of_wave(values, waiting, first) == ["vault"]
    assert convergence.sentence(values, waiting).startswith(f"wave {first}: vault; 3 of ")


def test_what_was_switched_off_is_waited_for_until_it_has_gone(values: RootValues):
    there = {**all_well(values), "mlflow": all_well(values)["vault"].model_copy(update={"name": "mlflow"})}
    waiting = convergence.pending(values, there, OURS, "abc")
    assert waiting == {"mlflow": "still there, and to go"}
    last = max(each.wave for each in values.applications.values())
    assert convergence.wave(values, waiting) == last + 1
    assert convergence.of_wave(values, waiting, last + 1) == ["mlflow"]


def test_what_has_nothing_of_our_repository_needs_no_revision_of_it(values: RootValues):
    there = all_well(values)
    there["katib"] = there["katib"].model_copy(update={"revisions": {"https://elsewhere": "1"}})
    assert convergence.pending(values, there, OURS, "abc") == {}


def application(**status: Any) -> SeenApplication:
    well = {
        "sync": {"status": "Synced", "comparedTo": {"sources": SOURCES}},
        "operationState": {"phase": "Succeeded"},
        "health": {"status": "Healthy"},
    }
    return seen({"metadata": {"name": "x"}, "spec": {"sources": SOURCES}, "status": {**well, **status}})


def test_an_application_is_well_when_argo_cd_judges_so():
    found = application()
    assert (found.well, found.version, found.revisions) == (True, "aaaaaaa", {OURS: "a" * 40})


@pytest.mark.parametrize(
    ("asked", "is_behind"),
    [
        ({"sources": SOURCES, "revisions": ["b"]}, False),
        ({"sources": SOURCES, "revisions": ["a"]}, True),
        ({"sources": [], "revisions": ["b"]}, True),
        ({"sources": SOURCES}, False),
        ({}, False),
    ],
)
def test_an_operation_for_something_else_than_it_shall_have_is_behind(asked: dict[str, Any], is_behind: bool):
    sync = {"status": "OutOfSync", "comparedTo": {"sources": SOURCES}, "revisions": ["b"]}
    assert (
        application(sync=sync, operationState={"phase": "Running", "operation": {"sync": asked}}).behind
        is is_behind
    )
    assert not application(
        sync=sync, operationState={"phase": "Succeeded", "operation": {"sync": asked}}
    ).behind


@pytest.mark.parametrize(("begun_with", "is_behind"), [("b", False), ("a", True)])
def test_an_operation_that_names_nothing_is_for_what_it_has_begun_with(begun_with: str, is_behind: bool):
    sync = {"status": "OutOfSync", "comparedTo": {"sources": SOURCES}, "revisions": ["b"]}
    result = {"sources": SOURCES, "revisions": [begun_with]}
    running = {"phase": "Running", "operation": {"sync": {"prune": True}}, "syncResult": result}
    assert application(sync=sync, operationState=running).behind is is_behind


def test_an_operation_that_failed_is_begun_again_and_not_while_one_runs():
    assert application(operationState={"phase": "Failed"}).failed
    assert application(operationState={"phase": "Error"}).failed
    assert not application(operationState={"phase": "Running"}).failed
    asked = {"metadata": {"name": "x"}, "operation": {}, "status": {"operationState": {"phase": "Failed"}}}
    assert not seen(asked).failed


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"sync": {"status": "Synced", "comparedTo": {"sources": []}}}, "not compared with its sources yet"),
        ({"operationState": {}}, "sync not begun"),
        ({"operationState": {"phase": "Running", "message": "waits"}}, "sync Running: waits"),
        ({"health": {"status": "Degraded", "message": "no pod"}}, "is Degraded: no pod"),
    ],
)
def test_what_argo_cd_waits_for_is_said(status: dict[str, Any], says: str):
    assert application(**status).message == says


def test_an_application_that_is_to_be_compared_is_not_well_yet():
    metadata = {"name": "x", "annotations": {REFRESH: "normal"}}
    assert seen({"metadata": metadata}).message.startswith("to be compared again")


@pytest.mark.parametrize(
    ("kind", "found", "says"),
    [
        ("Deployment", {"spec": {"replicas": 3}, "status": {"availableReplicas": 1}}, "1 of 3 available"),
        ("Deployment", {"spec": {"replicas": 1}, "status": {"availableReplicas": 1}}, ""),
        (
            "Deployment",
            {
                "spec": {},
                "status": {"conditions": [{"type": "ReplicaFailure", "message": "exceeded quota: cpu"}]},
            },
            "0 of 1 available: exceeded quota: cpu",
        ),
        ("StatefulSet", {"spec": {"replicas": 0}, "status": {}}, ""),
        ("DaemonSet", {"status": {"desiredNumberScheduled": 2, "numberAvailable": 1}}, "1 of 2 available"),
        ("Job", {"spec": {}, "status": {"succeeded": 1}}, ""),
        ("Job", {"spec": {}, "status": {}}, "runs"),
        ("Job", {"status": {"conditions": [{"type": "Failed", "message": "backoff"}]}}, "backoff"),
        ("PersistentVolumeClaim", {"status": {"phase": "Bound"}}, ""),
        ("PersistentVolumeClaim", {"status": {}}, "is Pending: no volume is bound to it"),
        (
            "Certificate",
            {"status": {"conditions": [{"type": "Ready", "status": "False", "message": "no issuer"}]}},
            "not Ready: no issuer",
        ),
        ("ConfigMap", {"data": {}}, ""),
        ("ClusterRole", {"status": "none of Kubernetes' form"}, ""),
    ],
)
def test_what_an_object_says_against_itself(kind: str, found: dict[str, Any], says: str):
    assert trouble(kind, found) == says


def test_a_pod_says_why_it_does_not_run():
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    pod = {
        "metadata": {"name": "harbor-core-1"},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "core", "state": waiting}]},
    }
    assert trouble("Pod", pod) == "harbor-core-1: ImagePullBackOff: no such image"


def test_changes_of_a_platform_are_told_by_application():
    def of(version: str, wave: int = 1, **more: str) -> Any:
        return {"wave": wave, "spec": {"sources": [{"targetRevision": version, **more}]}}

    before = {"a": of("1"), "b": of("1"), "c": of("1"), "d": of("1")}
    after = {"a": of("1"), "b": of("2"), "c": of("1", path="x"), "e": of("3", 4)}
    assert list(changes(before, after)) == [
        "b: 1 -> 2",
        "c: other values, or another place in the order",
        "d goes, with all that it has made",
        "e comes, 3 (wave 4)",
    ]


def git(**keys: str) -> GitRepository:
    return GitRepository(repository=OURS, **keys)


def test_a_key_and_a_password_open_the_repository_each_in_its_way(tmp_path: Path):
    file = tmp_path / "credential"
    file.write_text("s3cret\n")
    opened = repository_secret(git(username="deploy"), read_credential(git(credential=str(file))))
    assert opened["stringData"] == {"type": "git", "url": OURS, "username": "deploy", "password": "s3cret"}
    file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n")
    opened = repository_secret(git(), read_credential(git(credential=str(file))))
    assert opened["stringData"]["sshPrivateKey"].startswith("-----BEGIN")
    assert opened["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repository"}


def test_a_credential_that_cannot_be_read_is_refused_before_anything_is_changed(tmp_path: Path):
    with pytest.raises(TerpError, match=r"platform\.git\.credential: .*No such file") as refused:
        read_credential(git(credential=str(tmp_path / "none")))
    assert refused.value.exit_code == 2
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(TerpError, match="is empty"):
        read_credential(git(credential=str(tmp_path / "empty")))


def test_a_public_repository_needs_no_credential():
    assert read_credential(git()) == ""
