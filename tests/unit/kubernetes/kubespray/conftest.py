"""A small tree with Kubespray's landmarks, as a folder and as a git repository, and a cache of its own."""

import os
import subprocess
from pathlib import Path

import pytest

NOBODY = {
    **{f"GIT_{who}_{what}": "somebody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
FILES = {
    "galaxy.yml": "name: kubespray\nversion: 9.1.0\n",
    "cluster.yml": "---\n",
    "requirements.txt": "ansible==11.13.0\n",
    "roles/kubespray_defaults/defaults/main/main.yml": 'bin_dir: /usr/local/bin\nkube_owner: "kube"\n',
    "roles/kubespray_defaults/vars/main/main.yml": "kube_next: soon\n",
    "roles/kubernetes/node/defaults/main.yml": "kube_owner: root\n",
    "roles/kubernetes/node/tasks/main.yml": "- debug:\n",
}


def git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    done = subprocess.run(command, env={**os.environ, **NOBODY}, capture_output=True, timeout=30, check=True)
    return done.stdout.decode().strip()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TERP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kubespray"


@pytest.fixture
def folder(tmp_path: Path, cache: Path) -> Path:
    root = tmp_path / "folder"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def repository(folder: Path) -> Path:
    """With the tag v9.1.0, one more commit after it, and an edit that is not committed."""
    repository = folder.rename(folder.with_name("repository"))
    git(repository, "init", "--quiet")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "9.1.0")
    git(repository, "tag", "-a", "-m", "9.1.0", "v9.1.0")
    (repository / "cluster.yml").write_text("--- # later\n")
    git(repository, "commit", "--quiet", "-a", "-m", "later")
    (repository / "cluster.yml").write_text("--- # not committed\n")
    return repository


@pytest.fixture
def commit(repository: Path) -> str:
    return git(repository, "rev-parse", "v9.1.0^{commit}")
