"""`terp gitops` as people and machines call it."""

import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from terp.cli import app
from terp.errors import TerpError

VALID = Path(__file__).parents[2] / "fixtures" / "valid"
SANDBOX = str(VALID / "sandbox.yaml")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["gitops", *arguments])
    if result.exception:
        raise result.exception
    return result.stdout


def test_all_components_are_listed_with_what_they_need():
    said = run("components")
    (line,) = [line for line in said.splitlines() if line.startswith("harbor ")]
    assert line.split()[:4] == ["harbor", "1.19.1", "data", "harbor-secrets,"]
    assert "vault: The server is under the Business Source License" in said


def test_components_of_an_environment_come_by_waves():
    rows = json.loads(run("components", SANDBOX, "--json"))
    waves = {row["component"]: row["wave"] for row in rows}
    assert list(waves.values()) == sorted(waves.values())
    assert waves["prometheus-operator-crds"] == 0
    assert waves["cert-manager"] == 1
    assert waves["self-signed-issuer"] == 2
    assert "vault-issuer" not in waves


def test_the_graph_is_drawn_for_markdown_with_the_critical_path():
    said = run("graph", SANDBOX)
    assert said.startswith('flowchart LR\n    subgraph wave-0["wave 0"]\n')
    assert "    cert-manager ==> self-signed-issuer\n" in said
    assert "    minio-operator --> minio\n" in said


def test_what_another_need_implies_is_not_drawn():
    said = run("graph", SANDBOX)
    assert "vault-configuration --> secret-store" in said
    assert "vault --> secret-store" not in said


def test_the_graph_is_drawn_as_a_picture(tmp_path: Path):
    file = tmp_path / "graph.svg"
    run("graph", SANDBOX, "--format", "svg", "--output", str(file))
    picture = ElementTree.fromstring(file.read_text())  # noqa: S314 - our own
    svg = "{http://www.w3.org/2000/svg}"
    words = [each.text for each in picture.iter(f"{svg}text")]
    assert {"wave 0", "cert-manager", "kubeflow-pipelines"} <= set(words)
    waves = [word for word in words if word and word.startswith("wave ")]
    heavy = [each for each in picture.iter(f"{svg}rect") if each.get("class") == "critical"]
    assert len(heavy) == len(waves)


HELM = """\
#!/bin/sh
case "$1 $2" in
pull*) echo "dial tcp: no such host" >&2; exit 1 ;;
*) echo 'kind: Rendered' ;;
esac
"""


class Tools:
    """A toolchain of one script."""

    def __init__(self, helm: Path) -> None:
        helm.write_text(HELM)
        helm.chmod(0o755)
        self._helm = helm

    def path(self, program: str) -> Path:
        return self._helm.with_name(program)


@pytest.fixture
def _helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("terp.tools.sync", lambda *_: Tools(tmp_path / "helm"))


@pytest.mark.usefixtures("_helm")
def test_one_component_is_rendered_to_standard_output():
    assert run("render", SANDBOX, "self-signed-issuer").endswith("---\nkind: Rendered\n")


@pytest.mark.usefixtures("_helm")
def test_what_cannot_be_rendered_is_told_and_the_rest_is_there(tmp_path: Path):
    output, charts = tmp_path / "rendered", tmp_path / "charts"
    charts.mkdir()
    with pytest.raises(TerpError) as caught:
        run("render", SANDBOX, "--output", str(output), "--charts", str(charts))
    assert {file.name for file in output.iterdir()} >= {"platform.yaml", "self-signed-issuer.yaml"}
    assert f"harbor: chart harbor 1.19.1 cannot be had: {charts} has neither" in caught.value.message
    assert not (output / "harbor.yaml").exists()
    assert caught.value.exit_code == 1


@pytest.mark.usefixtures("_helm")
def test_a_chart_that_cannot_be_fetched_is_told_with_the_way_out():
    with pytest.raises(TerpError) as caught:
        run("render", SANDBOX, "harbor")
    assert caught.value.message == (
        "1 could not be rendered\n"
        "harbor: chart harbor 1.19.1 cannot be had: dial tcp: no such host\n"
        "  --charts names a folder that has it"
    )


def written(said: str) -> Any:
    """The JSON of a command, behind what it has logged."""
    return json.loads(said[said.index("{\n") :])


def code(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["gitops", *arguments])
    return result.exit_code, result.stdout


@pytest.mark.usefixtures("_helm")
def test_what_has_not_changed_since_a_revision_is_no_difference():
    status, said = code("diff", SANDBOX, "self-signed-issuer", "--json")
    assert status == 0
    assert written(said) == {"stack": "sandbox", "against": "HEAD", "components": [], "failed": {}}


@pytest.mark.usefixtures("_helm")
def test_what_cannot_be_compared_is_trouble_and_no_difference():
    assert code("diff", SANDBOX, "harbor")[0] == 2
    with pytest.raises(TerpError) as caught:
        run("diff", SANDBOX, "--against", "no-such-revision")
    assert caught.value.exit_code == 2


@pytest.mark.usefixtures("_helm")
def test_images_of_what_cannot_be_rendered_are_told_to_be_unknown():
    status, said = code("images", SANDBOX, "--json")
    assert status == 1
    assert "no such host" in written(said)["failed"]["harbor"]


def test_charts_are_listed_for_people_and_machines():
    assert "https://helm.goharbor.io" in run("charts", SANDBOX)
    found = json.loads(run("charts", SANDBOX, "--json"))
    assert {"chart", "repository", "version", "digest", "components"} == found["charts"][0].keys()


def test_an_environment_is_published_to_the_branch_that_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")
    remote = tmp_path / "remote.git"
    subprocess.run(("git", "init", "--quiet", "--bare", str(remote)), check=True, timeout=60)
    command = ("publish", SANDBOX, "--to", str(remote), "--branch", "production", "--dirty")
    assert "pushed " in run(*command)
    assert "nothing has changed since " in run(*command)


def test_an_environment_without_a_platform_says_so():
    with pytest.raises(TerpError) as caught:
        run("graph", str(VALID / "smallest.yaml"))
    assert caught.value.message == "smallest has no platform"
    assert caught.value.exit_code == 2


def test_what_an_environment_requests_is_told_at_the_end():
    assert "They request at least " in run("components", SANDBOX)
    assert "They request" not in run("components")
