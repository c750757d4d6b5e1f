"""`terp gitops` as people and machines call it."""

import json
from pathlib import Path
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
    assert line.split()[:4] == ["harbor", "1.19.1", "data", "postgres,"]
    assert "vault: The server is under the Business Source License" in said


def test_components_of_an_environment_come_by_waves():
    rows = json.loads(run("components", SANDBOX, "--json"))
    waves = {row["component"]: row["wave"] for row in rows}
    assert list(waves.values()) == sorted(waves.values())
    assert waves["cert-manager"] == 0
    assert waves["self-signed-issuer"] == 1
    assert "vault-issuer" not in waves


def test_the_graph_is_drawn_for_markdown_with_the_critical_path():
    said = run("graph", SANDBOX)
    assert said.startswith('flowchart LR\n    subgraph wave-0["wave 0"]\n')
    assert "    istiod ==> istio-cni\n" in said
    assert "    minio-operator --> minio\n" in said


def test_what_another_need_implies_is_not_drawn():
    said = run("graph", SANDBOX)
    assert "gateway-api ==> istiod" in said
    assert "istiod --> istio-ingressgateway" not in said


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


def test_an_environment_without_a_platform_says_so():
    with pytest.raises(TerpError) as caught:
        run("graph", str(VALID / "smallest.yaml"))
    assert caught.value.message == "smallest has no platform"
    assert caught.value.exit_code == 2
