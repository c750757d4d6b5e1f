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
    "x86_64": {"runc": {"enabled": True, "url": "https://example.org/runc.amd64"}},
    "aarch64": {"runc": {"enabled": True, "url": "https://example.org/runc.arm64"}},
}


def ready() -> Installation:
    place = Path("/nowhere")
    return Installation("kubespray", "v9.1.0", playbooks=place, bin=place, variables={"bin_dir": "/opt/bin"})


def run(playbook: str = "cluster.yml") -> Run:
    return Run(
        kind="playbook",
        playbook=playbook,
        nodes=(),
        installer_version="v9.1.0",
        kubernetes_version="1.35.4",
        reason="test",
    )


@pytest.mark.parametrize("playbook", ["cluster.yml", "scale.yml", "remove-node.yml"])
def test_a_run_that_reads_downloads_gets_rendered_entries_by_architecture(
    playbook: str, monkeypatch: pytest.MonkeyPatch
):
    found = Downloads(entries=ENTRIES, files=(), images=(), charts=())
    monkeypatch.setattr(tuning, "downloads", lambda *_: found)
    assert tuning.tuned(ready(), run(playbook), {}, lambda said: None).variables == {
        "bin_dir": "/opt/bin",
        "downloads": "{{ terp_downloads[ansible_architecture] }}",
        "terp_downloads": ENTRIES,
    }


@pytest.mark.parametrize("playbook", ["reset.yml", "playbooks/facts.yml"])
def test_a_run_that_reads_no_downloads_stays_as_it_is(playbook: str):
    installation = ready()
    assert tuning.tuned(installation, run(playbook), {}, lambda said: None) is installation


def test_a_release_that_does_not_answer_is_left_as_it_is_and_that_is_said(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> Downloads:
        raise TerpError("Kubespray v9.1.0 does not say what it downloads")

    monkeypatch.setattr(tuning, "downloads", fail)
    installation, said = ready(), list[str]()
    assert tuning.tuned(installation, run(), {}, said.append) is installation
    assert said[-1] == (
        "leaves Kubespray's downloads as they are: Kubespray v9.1.0 does not say what it downloads"
    )


def test_files_of_a_mirror_that_are_not_upstreams_have_their_own_checksums(monkeypatch: pytest.MonkeyPatch):
    origin = "http://10.0.0.80:8080"
    entries = {
        machine: {"runc": {"file": True, "url": f"{origin}/runc.{machine}", "checksum": "sha256:upstream"}}
        for machine in ENTRIES
    }
    found = Downloads(entries=entries, files=(), images=(), charts=())
    monkeypatch.setattr(tuning, "downloads", lambda *_: found)
    monkeypatch.setattr(tuning, "own_checksums", lambda mirror: {f"{mirror}/runc.x86_64": "0" * 64})
    variables = tuning.tuned(ready(), run(), {"files_repo": origin}, lambda said: None).variables
    rendered: Any = variables["terp_downloads"]
    assert rendered["x86_64"]["runc"]["checksum"] == f"sha256:{'0' * 64}"
    assert rendered["aarch64"]["runc"]["checksum"] == "sha256:upstream"


def test_a_mirror_that_does_not_answer_is_taken_to_have_upstreams_files(monkeypatch: pytest.MonkeyPatch):
    found = Downloads(entries=ENTRIES, files=(), images=(), charts=())
    monkeypatch.setattr(tuning, "downloads", lambda *_: found)
    said: list[str] = []
    variables = tuning.tuned(ready(), run(), {"files_repo": "http://127.0.0.1:1"}, said.append).variables
    assert variables["terp_downloads"] == ENTRIES
    assert "takes all files to be upstream's: the mirror http://127.0.0.1:1 cannot be asked" in said[1]


def test_a_file_that_has_no_checksum_is_not_rendered(monkeypatch: pytest.MonkeyPatch):
    found = Downloads(
        entries={"x86_64": {"runc": {"file": True, "url": "u", "checksum": ""}}},
        files=(),
        images=(),
        charts=(),
    )
    monkeypatch.setattr(tuning, "downloads", lambda *_: found)
    installation, said = ready(), list[str]()
    assert tuning.tuned(installation, run(), {}, said.append) is installation
    assert "there is no checksum of runc (u)" in said[-1]


def test_an_architecture_with_a_file_that_has_no_checksum_is_left_out():
    complete = {"runc": {"file": True, "checksum": "sha256:0"}, "pause": {"container": True}}
    without = {"runc": {"file": True, "checksum": ""}}
    assert tuning.verifiable({"x86_64": complete, "aarch64": without}) == {"x86_64": complete}  # type: ignore[dict-item]
