"""Rules of this repository that no other tool checks."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "platform" / "terp"

TOP_LEVEL = {
    *("Pulumi.yaml", "stacks", "platform", "ansible", "charts", "kustomize", "tests", "scripts"),
    *(
        "README.md",
        "LICENSE",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "pyproject.toml",
        "requirements",
        "Makefile",
    ),
    *("docs", "mkdocs.yml", "benchmarks", ".ci", ".gitignore", ".pre-commit-config.yaml"),
}
LAYERS = ("environment", "openstack", "kubernetes", "gitops")
GROUND = ("cloud", "tools", "command", "errors", "model", "paths", "progress", "virtualenv")
RUNS_IN_THE_CLOUD = ("drivers", "hosts", "network", "services")
REGISTRIES = [
    ".".join(parts)
    for parts in (
        *(("pypi", "org"), ("pythonhosted", "org"), ("proxy", "golang", "org"), ("sum", "golang", "org")),
        *(("deb", "debian", "org"), ("ftp", "debian", "org"), ("security", "debian", "org")),
        *(("snapshot", "debian", "org"), ("archive", "ubuntu", "com"), ("security", "ubuntu", "com")),
        *(("registry", "npmjs", "org"), ("crates", "io"), ("maven", "org"), ("rubygems", "org")),
    )
]


@cache
def files() -> tuple[Path, ...]:
    """Every file of the work tree that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    return tuple(file for name in listed.split("\0") if name and (file := PROJECT / name).is_file())


@cache
def text(file: Path) -> str:
    return file.read_text(errors="replace")


def name(file: Path) -> str:
    return str(file.relative_to(PROJECT))


def found(pattern: str) -> list[str]:
    """`file:line: match` wherever the pattern occurs."""
    return [
        f"{name(file)}:{text(file).count(chr(10), 0, match.start()) + 1}: {match.group()}"
        for file in files()
        for match in re.finditer(pattern, text(file))
    ]


def modules() -> Iterator[tuple[str, Path]]:
    """Dotted name and file of every module of the package."""
    for file in files():
        if file.suffix == ".py" and file.is_relative_to(PACKAGE):
            parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


@cache
def imports(file: Path) -> frozenset[str]:
    """Dotted names that a module imports; `from a import b` counts as a and as a.b."""
    names = set()
    for node in ast.walk(ast.parse(text(file))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(file)}: relative import"
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def within(module: str, *packages: str) -> bool:
    return any(module == each or module.startswith(f"{each}.") for each in packages)


def reached(*packages: str) -> dict[str, Path]:
    """The modules in these packages, and all of ours that they import, directly or not."""
    known = dict(modules())
    seen: dict[str, Path] = {}
    wanted = {module for module in known if within(module, *packages)}
    while wanted:
        module = wanted.pop()
        seen[module] = known[module]
        parents = {module.rpartition(".")[0]}
        wanted |= ((imports(known[module]) | parents) & known.keys()) - seen.keys()
    return seen


def locked(lock: str) -> dict[str, tuple[str, str]]:
    """Version of each package in a lock file, and who asked for it."""
    entries = re.split(r"\n(?=\S+==)", text(PROJECT / "requirements" / f"{lock}.lock"))[1:]
    pins = [re.match(r"([^=\s\[]+)(?:\[[^]]*\])?==(\S+)", entry) for entry in entries]
    return {
        canonicalize_name(pin[1]): (pin[2], entry.partition("# via")[2])
        for pin, entry in zip(pins, entries, strict=True)
        if pin
    }


def test_the_platform_folder_does_not_hide_pythons_own_platform():
    assert not (PROJECT / "platform" / "__init__.py").exists()
    version = subprocess.run(
        [sys.executable, "-c", "import platform, terp; print(platform.python_version())"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "platform")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert version.startswith("3.")


def test_the_top_level_holds_what_it_should_and_no_more():
    assert {file.relative_to(PROJECT).parts[0] for file in files()} == TOP_LEVEL


def test_no_registry_is_named_so_that_each_user_takes_their_own():
    assert found("(?i)" + "|".join(map(re.escape, REGISTRIES))) == []


def test_no_path_of_the_authors_machine_is_written_down():
    assert found(r"(?<![\w}.])/(?:work|root/\.(?:cache|local|pyenv)|tmp/w)/") == []


def test_nothing_is_left_to_be_done_later():
    assert found(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b") == []


def test_nothing_looks_like_a_secret():
    key = r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}"
    token = r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[abprs]-[A-Za-z0-9-]{20}|pul-[0-9a-f]{40})"
    assert found(f"{key}|{token}") == []


def test_no_file_is_larger_than_a_megabyte():
    assert [name(file) for file in files() if file.stat().st_size > 1_000_000] == []


def test_every_module_says_what_it_is_for():
    assert [name(file) for _, file in modules() if not ast.get_docstring(ast.parse(text(file)))] == []


def test_no_module_has_a_name_that_says_nothing():
    empty = re.compile(r"(?:utils?|helpers?|managers?|common|misc)(?:\.py)?")
    python = [file for file in files() if file.suffix == ".py"]
    assert [name(file) for file in python for part in file.parts if empty.fullmatch(part)] == []


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_no_later_one(layer: str):
    later = [f"terp.{each}" for each in LAYERS[LAYERS.index(layer) + 1 :]]
    mine = [file for module, file in modules() if within(module, f"terp.{layer}")]
    assert mine
    assert [(name(file), each) for file in mine for each in imports(file) if within(each, *later)] == []


def test_the_ground_knows_no_layer():
    layers = [f"terp.{each}" for each in LAYERS]
    mine = [file for module, file in modules() if within(module, *(f"terp.{each}" for each in GROUND))]
    assert [(name(file), each) for file in mine for each in imports(file) if within(each, *layers)] == []


def test_code_that_openstack_loads_is_imported_by_nothing_of_ours():
    inner = ("terp.cloud.drivers", "terp.cloud.services")
    outside = [file for module, file in modules() if not within(module, *inner)]
    assert [(name(file), each) for file in outside for each in imports(file) if within(each, *inner)] == []


def test_code_in_the_clouds_environment_imports_only_what_is_installed_there():
    distribution = {"yaml": "pyyaml", "openstack": "openstacksdk", "placement": "openstack-placement"}
    there = {"terp", *sys.stdlib_module_names}
    missing = {
        (name(file), top)
        for file in reached(*(f"terp.cloud.{each}" for each in RUNS_IN_THE_CLOUD)).values()
        for top in {each.partition(".")[0] for each in imports(file)} - there
        if canonicalize_name(distribution.get(top, top)) not in locked("cloud")
    }
    assert missing == set()


def test_what_makes_the_environments_needs_none():
    ours = reached("terp.virtualenv").values()
    tops = {each.partition(".")[0] for file in ours for each in imports(file)}
    assert tops - sys.stdlib_module_names == {"terp"}


def test_shell_scripts_parse():
    scripts = [file for file in files() if re.match(r"#!.*\b(?:ba)?sh\b", text(file)[:80])]
    assert scripts
    for script in scripts:
        shell = "bash" if "bash" in text(script).partition("\n")[0] else "sh"
        checked = subprocess.run(
            [shell, "-n", script], capture_output=True, text=True, timeout=60, check=False
        )
        assert checked.returncode == 0, checked.stderr
        assert os.access(script, os.X_OK), f"{name(script)} is not executable"


def test_yaml_files_parse():
    for file in files():
        apart = {"templates", "invalid"} & set(file.parts)  # of charts, or wrong on purpose
        if file.suffix in (".yaml", ".yml") and not apart:
            list(yaml.safe_load_all(text(file)))


def test_relative_links_in_the_documents_lead_somewhere():
    broken = [
        f"{name(file)}: {target}"
        for file in files()
        if file.suffix == ".md"
        for target in re.findall(r"\]\((?![a-z]+:)([^)#\s]+)", text(file))
        if not (file.parent / target).exists()
    ]
    assert broken == []


def test_the_picture_of_the_architecture_shows_every_package_and_no_other():
    picture = text(PROJECT / "docs" / "architecture.md").partition("```mermaid\n")[2].partition("```")[0]
    packages = {file.parent.name for file in files() if file.match("platform/terp/*/__init__.py")}
    assert set(re.findall(r"\bterp/(\w+)", picture)) == packages


def test_the_changelog_has_a_place_for_the_next_version():
    assert re.search(r"^## Unreleased$", text(PROJECT / "CHANGELOG.md"), re.MULTILINE)


def declared() -> dict[str, tuple[str, list[Requirement]]]:
    """For each lock file, how it names its source, and what that source asks for."""
    project = tomllib.loads(text(PROJECT / "pyproject.toml"))
    direct = project["project"]["dependencies"]
    groups = project["dependency-groups"]
    asked = {
        "terp": (r"terp \(pyproject\.toml\)", direct),
        "development": (
            r"terp \(pyproject\.toml(?::development)?\)",
            [*direct, *groups["development"]],
        ),
        "docs": (r"terp \(pyproject\.toml:docs\)", groups["docs"]),
    }
    for source in (PROJECT / "requirements").glob("*.in"):
        lines = [line.partition("#")[0].strip() for line in text(source).splitlines()]
        asked[source.stem] = (rf"-r requirements/{source.name}", [line for line in lines if line])
    return {lock: (by, [Requirement(line) for line in lines]) for lock, (by, lines) in asked.items()}


def test_each_lock_file_is_in_step_with_its_source():
    assert {file.stem for file in (PROJECT / "requirements").glob("*.lock")} == declared().keys()
    for lock, (by, requirements) in declared().items():
        pins = locked(lock)
        asked_for = {package for package, (_, who) in pins.items() if re.search(by, who)}
        assert asked_for == {canonicalize_name(each.name) for each in requirements}, f"{lock}: scripts/lock"
        for each in requirements:
            version = pins[canonicalize_name(each.name)][0]
            assert each.specifier.contains(version), (
                f"{lock} has {each.name} {version}, not {each}: scripts/lock"
            )


def test_every_locked_package_has_hashes_and_no_address():
    for lock in declared():
        content = text(PROJECT / "requirements" / f"{lock}.lock")
        entries = re.split(r"\n(?=\S+==)", content)[1:]
        assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
        assert "://" not in content


def test_development_uses_the_same_versions_as_users_do():
    users, developers = locked("terp"), locked("development")
    assert {package: developers[package][0] for package in users} == {
        package: version for package, (version, _) in users.items()
    }


def pinned() -> dict[str, str]:
    """Every package that a source pins to one version."""
    return {
        each.name: specifier.version
        for _, requirements in declared().values()
        for each in requirements
        for specifier in each.specifier
        if specifier.operator == "=="
    }


def test_a_pinned_version_stands_in_one_place():
    """Beside it: what is derived from it (lock files, go.sum) or goes in step, and what tells of the past."""
    versions = sorted({version for version in pinned().values() if version.count(".") >= 2})
    places = (
        r"pyproject\.toml|requirements/|platform/terp/tools/versions\.yaml|scripts/tools/|CHANGELOG\.md|docs/"
    )
    anywhere = "|".join(rf"(?<![\d.]){re.escape(version)}(?![\d.])" for version in versions)
    assert [where for where in found(anywhere) if not re.match(places, where)] == []


def test_pulumis_packages_and_programs_go_in_step():
    tools = yaml.safe_load(text(PACKAGE / "tools" / "versions.yaml"))["tools"]
    programs = {each["name"].replace("pulumi-resource-", "pulumi-"): each["version"] for each in tools}
    packages = {name: version for name, version in pinned().items() if name.startswith("pulumi")}
    assert "pulumi" in packages
    assert packages == {name: programs.get(name) for name in packages}
    assert programs["pulumi-language-python"] == programs["pulumi"]


def test_all_say_the_same_oldest_python():
    project = tomllib.loads(text(PROJECT / "pyproject.toml"))
    oldest = project["project"]["requires-python"].removeprefix(">=")
    assert project["tool"]["mypy"]["python_version"] == oldest
    assert project["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")
    assert f"({oldest.replace('.', ', ')})" in text(PROJECT / "scripts" / "bootstrap.py")
    assert f"--python-version {oldest} " in text(PROJECT / "scripts" / "lock")
