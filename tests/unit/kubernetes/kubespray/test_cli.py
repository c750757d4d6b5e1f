"""`terp kubespray`: what it lists, and what it says of variables."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from terp.cli.kubespray import app
from terp.errors import TerpError
from terp.kubernetes.kubespray.source import tree

run = CliRunner().invoke


@pytest.mark.usefixtures("cache")
def test_the_list_has_known_releases_also_those_that_are_not_here():
    assert "v2.31.0  1.33.0 to 1.35.4  1c9add489750  not here" in run(app, ["list"]).output
    listed = json.loads(run(app, ["list", "--json"]).output)
    assert [(each["release"], each["trees"]) for each in listed] == [("v2.31.0", [])]


def test_the_list_has_what_was_taken(repository: Path, commit: str):
    found = tree("v9.1.0", str(repository), None, lambda said: None)
    listed = {each["release"]: each for each in json.loads(run(app, ["list", "--json"]).output)}
    assert listed["v9.1.0"]["trees"] == [found.model_dump(mode="json")]
    assert commit[:12] in run(app, ["list"]).output


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("calico_mtu", "calico_mtu: set by network.mtu"),
        ("kube_owner", "kube_owner: Terp alone sets it"),
        ("helm_enabled", "helm_enabled: free: kubernetes.vars"),
    ],
)
def test_a_variable_says_who_sets_it(name: str, said: str):
    assert run(app, ["vars", name]).output.splitlines() == [
        said,
        "  its defaults: terp kubespray sync v2.31.0",
    ]


def test_a_variable_has_its_definitions_where_the_tree_is_here(folder: Path):
    tree("v9.1.0", str(folder), None, lambda said: None)
    shown = run(app, ["vars", "kube_owner", "--release", "v9.1.0"]).output
    assert shown.splitlines() == [
        "kube_owner: Terp alone sets it",
        "  roles/kubernetes/node/defaults/main.yml:1",
        "    root",
        "  roles/kubespray_defaults/defaults/main/main.yml:2",
        '    "kube"',
    ]


def test_what_roles_fix_is_not_called_free(folder: Path):
    tree("v9.1.0", str(folder), None, lambda said: None)
    shown = run(app, ["vars", "kube_next", "--release", "v9.1.0", "--json"]).output
    assert json.loads(shown)["definitions"] == [
        {"file": "roles/kubespray_defaults/vars/main/main.yml", "line": 1, "text": "soon", "fixed": True}
    ]
    assert run(app, ["vars", "kube_next", "--release", "v9.1.0"]).output.startswith(
        "kube_next: fixed by roles"
    )


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["kube_network_plugn"], "has no variable kube_network_plugn", 'did you mean "kube_network_plugin"?'),
        (["bin_dir", "--release", "v2.3.1"], "Terp does not know v2.3.1", 'did you mean "v2.31.0"?'),
    ],
)
def test_what_is_unknown_is_bad_input_with_what_was_meant(arguments: list[str], message: str, hint: str):
    error = run(app, ["vars", *arguments]).exception
    assert isinstance(error, TerpError)
    assert (error.exit_code, error.hint) == (2, hint)
    assert message in error.message


def test_syncing_another_commit_fails_before_anything_is_installed(repository: Path, cache: Path):
    result = run(app, ["sync", "v9.1.0", "--source", str(repository), "--commit", "a" * 40])
    assert isinstance(result.exception, TerpError) and result.exception.exit_code == 2
    assert not (cache.parent / "venvs").exists()
