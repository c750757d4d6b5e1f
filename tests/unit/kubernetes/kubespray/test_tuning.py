"""Less is given to Ansible to render, and nothing that a run needs is missing."""

from pathlib import Path
from typing import Any

import pytest

from terp.errors import TerpError
from terp.kubernetes.kubespray import tuning
from terp.kubernetes.kubespray.downloads import Downloads
from terp.kubernetes.model import Run
from terp.kubernetes.runner.installation import Installation

ENTRIES: dict[str, Any] = {
    "runc": {"enabled": "{{ container_manager == 'containerd' }}", "url": "{{ runc_download_url }}"},
    "crun": {"enabled": "{{ crun_enabled }}", "url": "{{ crun_download_url }}"},
}


def tree(folder: Path, text: str) -> Installation:
    file = folder / tuning.DEFINED
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return Installation(name="kubespray", version="v9.1.0", playbooks=folder, bin=folder)


def run(playbook: str = "cluster.yml") -> Run:
    versions = {"installer_version": "v9.1.0", "kubernetes_version": "1.35.4"}
    return Run(kind="playbook", playbook=playbook, nodes=(), reason="test", **versions)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Downloads(enabled=("runc", "kube_apiserver"), files=(), images=(), charts=())
    monkeypatch.setattr(tuning, "downloads", lambda *_: found)


def test_what_is_enabled_is_kept_as_it_is_written():
    assert tuning.only(ENTRIES, ["runc"]) == {"runc": ENTRIES["runc"]}


@pytest.mark.usefixtures("answer")
def test_a_run_that_downloads_gets_what_is_enabled_alone(tmp_path: Path):
    ready = tree(tmp_path, 'downloads:\n  runc: {url: "{{ runc_download_url }}"}\n  crun: {url: other}\n')
    tuned = tuning.tuned(ready, run(), {}, lambda said: None)
    assert tuned.variables == {"downloads": {"runc": {"url": "{{ runc_download_url }}"}}}
    assert tuned.playbooks == ready.playbooks


@pytest.mark.parametrize("playbook", ["remove-node.yml", "reset.yml", "playbooks/facts.yml"])
def test_a_run_that_downloads_nothing_stays_as_it_is(playbook: str, tmp_path: Path):
    ready = tree(tmp_path, "downloads: {}\n")
    assert tuning.tuned(ready, run(playbook), {}, lambda said: None) is ready


@pytest.mark.usefixtures("answer")
@pytest.mark.parametrize("text", ["", "downloads: []\n", "other: {}\n", "a: b: c\n"])
def test_a_release_that_is_made_otherwise_is_left_as_it_is_and_that_is_said(text: str, tmp_path: Path):
    said: list[str] = []
    ready = tree(tmp_path, text)
    assert tuning.tuned(ready, run(), {}, said.append) is ready
    assert said[-1].startswith("leaves Kubespray's downloads as they are: ")


def test_a_release_that_does_not_answer_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> Downloads:
        raise TerpError("Kubespray v9.1.0 does not say what it downloads")

    monkeypatch.setattr(tuning, "downloads", fail)
    ready = tree(tmp_path, "downloads: {}\n")
    assert tuning.tuned(ready, run(), {}, lambda said: None) is ready
