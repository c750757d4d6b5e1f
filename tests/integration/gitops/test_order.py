"""What counts as too early."""

from tests.integration.gitops.order import State, early, state

WAVES = {"low": 0, "high": 1}
GIT = "https://git.example.org/terp.git"


def at(name: str, commit: str | None, *, settled: bool) -> State:
    return State(name, WAVES[name], commit, settled, "" if settled else "Progressing")


def test_what_begins_after_all_of_the_wave_before_is_in_time():
    begun = [at("low", "1", settled=False), at("low", "1", settled=True), at("high", "1", settled=False)]
    assert early(begun, WAVES) == []


def test_what_begins_before_one_that_is_not_healthy_or_not_there_is_early():
    said = ["high (wave 1) began before low (wave 0)"]
    assert early([at("low", "1", settled=False), at("high", "1", settled=False)], WAVES) == said
    assert early([at("high", "1", settled=False)], WAVES) == said


def test_a_new_commit_waits_for_the_wave_before_to_settle_with_it():
    old = [at("low", "1", settled=True), at("high", "1", settled=True)]
    assert early([*old, at("high", "2", settled=False)], WAVES)
    assert early([*old, at("low", "2", settled=False), at("high", "2", settled=False)], WAVES)
    assert not early([*old, at("low", "2", settled=True), at("high", "2", settled=False)], WAVES)


def test_what_has_nothing_of_ours_holds_the_next_wave_only_until_it_is_healthy():
    assert not early([at("low", None, settled=True), at("high", "2", settled=False)], WAVES)
    assert early([at("low", None, settled=False), at("high", "2", settled=False)], WAVES)


def test_an_application_is_settled_when_its_present_sources_are():
    sources = [{"repoURL": GIT, "targetRevision": "2"}]
    status = {
        "sync": {"status": "Synced", "comparedTo": {"sources": sources}},
        "operationState": {"phase": "Succeeded"},
        "health": {"status": "Healthy"},
    }
    metadata = {"name": "low", "annotations": {"argocd.argoproj.io/sync-wave": "3"}}
    now = {"metadata": metadata, "spec": {"sources": sources}, "status": status}
    assert state(now, GIT) == State("low", 3, "2", settled=True, why="", version="2")
    changed = {**now, "spec": {"sources": [{"repoURL": GIT, "targetRevision": "3"}]}}
    assert state(changed, GIT).why == "not compared with its sources"
    assert not state({**now, "status": {}}, GIT).settled
