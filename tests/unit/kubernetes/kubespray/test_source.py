"""Trees come whole and verified from wherever they are, once, and nothing is written there."""

import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.unit.kubernetes.kubespray.conftest import git

from terp.errors import TerpError
from terp.kubernetes.kubespray.source import Tree, tree, trees

SOME_COMMIT = "a" * 40


def taken(source: Path | str, version: str = "v9.1.0", commit: str | None = None) -> Tree:
    return tree(version, str(source), commit, lambda said: None)


def refusal(take: Callable[[], Tree]) -> TerpError:
    with pytest.raises(TerpError) as refused:
        take()
    return refused.value


def contents(root: Path) -> dict[str, tuple[bytes, int]]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(file.relative_to(root)): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def packed(folder: Path, name: str = "kubespray.tar.gz", inside: str = "kubespray-9.1.0") -> Path:
    with tarfile.open(folder.with_name(name), "w:gz") as archive:
        archive.add(folder, inside)
    return folder.with_name(name)


def test_a_repository_gives_what_its_tag_stands_at_and_nothing_later(repository: Path, commit: str):
    found = taken(repository)
    assert found.commit == commit
    assert (found.path / "cluster.yml").read_text() == "---\n"
    assert not (found.path / ".git").exists()


def test_a_bare_repository_and_an_address_give_the_same(repository: Path, commit: str, tmp_path: Path):
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare")
    assert taken(tmp_path / "bare").commit == commit
    assert taken((tmp_path / "bare").as_uri()).commit == commit


@pytest.mark.parametrize("kind", ["repository", "folder"])
def test_nothing_is_written_where_it_comes_from(kind: str, request: pytest.FixtureRequest):
    source: Path = request.getfixturevalue(kind)
    before = contents(source)
    taken(source)
    assert contents(source) == before


def test_the_commit_that_is_pinned_is_the_one_that_is_taken(repository: Path, commit: str):
    assert taken(repository, commit=commit).commit == commit


@pytest.mark.usefixtures("cache")
def test_another_commit_than_the_pinned_one_is_refused_and_not_kept(repository: Path, commit: str):
    error = refusal(lambda: taken(repository, commit=SOME_COMMIT))
    assert error.message == f"v9.1.0 of {repository} is the commit {commit}, not {SOME_COMMIT}"
    assert error.exit_code == 2
    assert trees() == ()


def test_a_release_that_terp_knows_is_pinned_without_being_asked_for(repository: Path, commit: str):
    (repository / "galaxy.yml").write_text("version: 2.31.0\n")
    git(repository, "commit", "--quiet", "-a", "-m", "2.31.0")
    git(repository, "tag", "v2.31.0")
    error = refusal(lambda: taken(repository, "v2.31.0"))
    assert "not 1c9add48975060f45396b34d8e022c30d7f80dab" in error.message


def test_a_tag_that_was_moved_is_refused_where_the_commit_is_pinned(repository: Path, commit: str):
    git(repository, "tag", "--force", "v9.1.0", "HEAD")
    assert "is the commit" in refusal(lambda: taken(repository, commit=commit)).message


def test_a_pinned_commit_needs_its_repository_once(repository: Path, commit: str, tmp_path: Path):
    first = taken(repository, commit=commit)
    assert taken(tmp_path.as_uri(), commit=commit).path == first.path


def test_a_missing_tag_is_said_so(repository: Path):
    error = refusal(lambda: taken(repository, "v9.2.0"))
    assert error.message.endswith("has no tag v9.2.0")
    assert error.exit_code == 2


def test_a_git_hook_that_runs_us_does_not_lead_us_into_its_repository(
    repository: Path, commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    git(tmp_path, "init", "--quiet", "other")
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, str(tmp_path / "other" / ".git"))
    assert taken(repository).commit == commit
    assert not (tmp_path / "other" / ".git" / "FETCH_HEAD").exists()


def test_a_folder_is_copied_as_it_is_now(folder: Path):
    (folder / "cluster.yml").chmod(0o755)
    (folder / "remove_node.yml").symlink_to("cluster.yml")
    first = taken(folder)
    assert first.commit is None
    assert (first.path / "remove_node.yml").readlink() == Path("cluster.yml")
    assert (first.path / "cluster.yml").stat().st_mode & 0o100
    (folder / "cluster.yml").write_text("--- # changed\n")
    second = taken(folder)
    assert (first.path / "cluster.yml").read_text() == "---\n"
    assert (second.path / "cluster.yml").read_text() == "--- # changed\n"


@pytest.mark.parametrize("change", ["rename", "mode", "link"])
def test_every_difference_of_a_folder_makes_another_tree(folder: Path, change: str):
    (folder / "link").symlink_to("one")
    first = taken(folder)
    match change:
        case "rename":
            (folder / "cluster.yml").rename(folder / "other.yml")
            (folder / "cluster.yml").touch()
        case "mode":
            (folder / "cluster.yml").chmod(0o755)
        case _:
            (folder / "link").unlink()
            (folder / "link").symlink_to("two")
    assert taken(folder).path != first.path


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_what_cannot_say_its_commit_is_refused_when_one_is_asked_for(folder: Path, kind: str):
    source = folder if kind == "folder" else packed(folder)
    error = refusal(lambda: taken(source, commit=SOME_COMMIT))
    assert error.message == f"nothing in {source} says that it is the commit {SOME_COMMIT}"
    assert trees() == ()


@pytest.mark.parametrize("inside", ["kubespray-9.1.0", "."])
def test_an_archive_is_unpacked_with_or_without_a_folder_around_it(folder: Path, inside: str):
    found = taken(packed(folder, inside=inside))
    assert (found.path / "cluster.yml").is_file()
    assert found.commit is None


def test_an_archive_that_git_made_is_held_to_its_commit(repository: Path, commit: str, tmp_path: Path):
    file = tmp_path / "made.tar.gz"
    git(repository, "archive", "--prefix=made/", "-o", str(file), "v9.1.0")
    assert taken(file, commit=commit).commit == commit
    assert "is the commit" in refusal(lambda: taken(file, commit=SOME_COMMIT)).message


def test_an_archive_puts_nothing_outside_of_its_folder(folder: Path, tmp_path: Path):
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as archive:
        archive.add(folder, "kubespray")
        archive.add(folder / "cluster.yml", "../../../outside.yml")
    assert "cannot be unpacked" in refusal(lambda: taken(tmp_path / "evil.tar.gz")).message
    assert list(tmp_path.rglob("outside.yml")) == []


def test_what_is_no_archive_is_said_so(tmp_path: Path, cache: Path):
    (tmp_path / "text.tar.gz").write_text("not packed")
    assert "cannot be unpacked" in refusal(lambda: taken(tmp_path / "text.tar.gz")).message


def test_another_release_than_the_one_asked_for_is_refused(folder: Path):
    error = refusal(lambda: taken(folder, "v9.2.0"))
    assert error.message == f"{folder} is Kubespray v9.1.0, not v9.2.0"
    assert error.exit_code == 2


def test_a_folder_of_something_else_is_said_so(tmp_path: Path, cache: Path):
    (tmp_path / "else").mkdir()
    assert (
        "is no tree of Kubespray: it has no cluster.yml" in refusal(lambda: taken(tmp_path / "else")).message
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/nowhere/kubespray", "there is no /nowhere/kubespray"),
        ("https://example.org/v9.1.0.tar.gz", "https://example.org/v9.1.0.tar.gz is no git repository"),
    ],
)
def test_a_source_that_is_nothing_is_bad_input(source: str, said: str, cache: Path):
    error = refusal(lambda: taken(source))
    assert (error.message, error.exit_code) == (said, 2)


def test_many_at_once_take_it_once(repository: Path):
    said: list[str] = []
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: tree("v9.1.0", str(repository), None, said.append), range(8)))
    assert len({each.path for each in found}) == 1
    assert [each for each in said if each.startswith("takes")] == [f"takes v9.1.0 from {repository}"]


def test_what_a_killed_run_left_is_taken_anew(repository: Path, cache: Path):
    found = taken(repository)
    home = found.path.parent
    (home / "origin.json").unlink()
    (home.with_name(f".{home.name}.new") / "tree").mkdir(parents=True)
    assert taken(repository) == found
    assert {each.name for each in cache.iterdir()} == {home.name, f"{home.name}.lock"}


def test_those_that_were_taken_are_listed(repository: Path):
    assert trees() == ()
    found = taken(repository)
    assert trees() == (found,)
