"""What is pushed for Argo CD to read, to bare repositories."""

import subprocess
from pathlib import Path

import pytest

from terp.errors import TerpError
from terp.gitops.publishing import publish


def git(place: Path, *arguments: str) -> str:
    command = ("git", "-C", str(place), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work tree with something to publish, and something else."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")
    place = tmp_path / "tree"
    for name in ("charts/a/values.yaml", "charts/ignored.yaml", "kustomize/b/component.yaml", "other.txt"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("a: 1\n")
    (place / ".gitignore").write_text("ignored.yaml\n")
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(place))
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "first")
    return place


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    return tmp_path / "remote.git"


def files(remote: Path, branch: str = "production") -> list[str]:
    return git(remote, "ls-tree", "-r", "--name-only", branch).splitlines()


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_what_argo_cd_reads_is_pushed_as_one_commit_that_says_what_it_is(
    scheme: str, tree: Path, remote: Path
):
    done = publish("prod", f"{scheme}{remote}", "production", tree=tree)
    assert done.new
    assert files(remote) == ["charts/a/values.yaml", "kustomize/b/component.yaml"]
    head = git(tree, "rev-parse", "HEAD")
    said = git(remote, "log", "--format=%B", "production")
    assert said == f"The platform of prod at {head[:7]}\n\nFrom commit {head}."
    assert git(tree, "status", "--porcelain") == ""


def test_nothing_is_pushed_when_nothing_has_changed(tree: Path, remote: Path):
    first = publish("prod", str(remote), "production", tree=tree)
    again = publish("prod", str(remote), "production", tree=tree)
    assert again == (first.commit, False)
    assert git(remote, "rev-list", "--count", "production") == "1"


def test_a_change_becomes_a_commit_on_the_branch_and_what_else_it_has_stays(tree: Path, remote: Path):
    git(tree, "push", "--quiet", str(remote), "main:production")
    (tree / "charts" / "a" / "values.yaml").unlink()
    (tree / "charts" / "c.yaml").write_text("c: 1\n")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "-m", "second")
    publish("prod", str(remote), "production", tree=tree)
    assert files(remote) == [".gitignore", "charts/c.yaml", "kustomize/b/component.yaml", "other.txt"]
    assert git(remote, "rev-list", "--count", "production") == "2"


def test_what_is_not_committed_is_refused_or_published_on_demand(tree: Path, remote: Path):
    (tree / "charts" / "new.yaml").write_text("new: 1\n")
    with pytest.raises(TerpError) as caught:
        publish("prod", str(remote), "production", tree=tree)
    assert "charts/new.yaml" in caught.value.message
    assert caught.value.exit_code == 2
    assert git(remote, "for-each-ref") == ""
    publish("prod", str(remote), "production", dirty=True, tree=tree)
    assert "charts/new.yaml" in files(remote)
    assert "and what is not committed" in git(remote, "log", "--format=%s", "production")


def test_what_is_not_committed_elsewhere_is_no_hindrance(tree: Path, remote: Path):
    (tree / "other.txt").write_text("changed\n")
    assert publish("prod", str(remote), "production", tree=tree).new


def test_a_remote_that_refuses_is_told_and_never_forced(tree: Path, remote: Path):
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(TerpError, match="refuses branch production") as caught:
        publish("prod", str(remote), "production", tree=tree)
    assert "nothing is ever forced" in caught.value.hint


def test_a_remote_that_is_not_there_is_told(tree: Path, tmp_path: Path):
    with pytest.raises(TerpError, match="cannot be read"):
        publish("prod", str(tmp_path / "nowhere"), "production", tree=tree)
