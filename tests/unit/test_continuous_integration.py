"""The definitions for GitLab and GitHub are what these systems take, and call only what is there."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
CI = PROJECT / "scripts" / "ci"
DEFINITIONS = {"gitlab-ci.yml": "vendor.gitlab-ci", "github.yml": "vendor.github-workflows"}


def checked(file: Path, schema: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
        + (["--data-transform", "gitlab-ci"] if "gitlab" in schema else []),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("name", "schema"), DEFINITIONS.items())
def test_a_definition_keeps_to_its_schema(name: str, schema: str) -> None:
    done = checked(CI / name, schema)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("gitlab-ci.yml", "    when: always\n", "    when: sometimes\n"),
        ("github.yml", "    timeout-minutes: 30\n", "    timeout-minuts: 30\n"),
    ],
)
def test_the_schemas_refuse_what_is_wrong(name: str, right: str, wrong: str, tmp_path: Path) -> None:
    text = (CI / name).read_text()
    assert right in text
    (tmp_path / name).write_text(text.replace(right, wrong, 1))
    assert checked(tmp_path / name, DEFINITIONS[name]).returncode == 1


def steps() -> list[str]:
    """Every line of shell of both definitions."""
    found: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                if key in ("script", "after_script", "run"):
                    found.extend(each if isinstance(each, list) else [each])
                else:
                    look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)

    for name in DEFINITIONS:
        look(yaml.safe_load((CI / name).read_text()))
    return found


def test_every_program_of_ours_that_is_called_is_there() -> None:
    called = {program for step in steps() for program in re.findall(r"\bscripts/[\w/-]+", step)}
    assert {"scripts/test", "scripts/terp", "scripts/ci/plan", "scripts/ci/release"} <= called
    assert [each for each in called if not os.access(PROJECT / each, os.X_OK)] == []


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_stages_come_in_their_order(name: str) -> None:
    text = (CI / name).read_text()
    places = [
        text.index(f"\n{indent}{stage}:\n")
        for stage in ("lint", "unit", "plan", "smoke", "release")
        for indent in ("  " if name == "github.yml" else "",)
    ]
    assert places == sorted(places)


def release(version: str, folder: Path, tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tree / "scripts" / "ci" / "release", version, folder],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with the script, and a changelog of two versions."""
    found = tmp_path / "tree"
    (found / "scripts" / "ci").mkdir(parents=True)
    script = found / "scripts" / "ci" / "release"
    script.write_text((CI / "release").read_text())
    script.chmod(0o755)
    (found / "CHANGELOG.md").write_text(
        "# C\n\n## Unreleased\n\n- u\n\n## 1.2.0, today\n\n- b\n\n## 1.2.01\n\n- a\n"
    )
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "all"],
    ):
        subprocess.run(["git", *command], cwd=found, check=True, timeout=60)
    return found


def test_a_release_has_its_archive_its_digest_and_its_own_notes(tree: Path, tmp_path: Path) -> None:
    folder = tmp_path / "release"
    done = release("1.2.0", folder, tree)
    assert done.returncode == 0, done.stderr
    assert (folder / "notes.md").read_text().strip() == "- b"
    first = (folder / "terp-1.2.0.tar.gz").read_bytes()
    subprocess.run(
        ["sha256sum", "--check", "--quiet", "terp-1.2.0.tar.gz.sha256"], cwd=folder, check=True, timeout=60
    )
    release("1.2.0", folder, tree)
    assert (folder / "terp-1.2.0.tar.gz").read_bytes() == first


def test_a_version_without_notes_is_refused(tree: Path, tmp_path: Path) -> None:
    done = release("9.9.9", tmp_path / "release", tree)
    assert done.returncode == 2
    assert "9.9.9" in done.stderr
    assert not (tmp_path / "release").exists()


PLANNED = '#!/bin/sh\necho "$@: resources: 1 create"\nexit ${CODE}\n'


@pytest.mark.parametrize(
    ("code", "verdict"), [(0, "can be raised"), (3, "is refused"), (1, "could not be planned")]
)
def test_a_plan_becomes_a_comment_whatever_came_of_it(tmp_path: Path, code: int, verdict: str) -> None:
    (tmp_path / "scripts" / "ci").mkdir(parents=True)
    for name, text in (("scripts/ci/plan", (CI / "plan").read_text()), ("scripts/terp", PLANNED)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [tmp_path / "scripts" / "ci" / "plan", "prod", tmp_path / "plan.md"],
        env={**os.environ, "CODE": str(code)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code
    comment = (tmp_path / "plan.md").read_text()
    assert verdict in comment.splitlines()[0]
    assert "plan prod: resources: 1 create" in comment
