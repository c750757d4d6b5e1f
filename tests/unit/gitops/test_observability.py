"""What is read of the platform: alerts and their pages, queries of dashboards, the way of each log."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import promql_parser
import pytest
import yaml

from .alloy import Block, parse

PROJECT = Path(__file__).parents[3]
FOLDER = PROJECT / "charts" / "dashboards"
RUNBOOKS = PROJECT / "docs" / "runbooks"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$__auto": "1m"}
ALERTS = [
    rule for each in sorted((FOLDER / "rules").glob("*.yaml")) for rule in yaml.safe_load(each.read_text())
]
TENANTS = {"platform", "audit"}
SOURCES = {"http", "vault", "keycloak", "argocd", "kubernetes", "harbor"}


def values(component: str, profile: str = "") -> dict[str, Any]:
    path = PROJECT / "charts" / component / f"values{profile}.yaml"
    return cast("dict[str, Any]", yaml.safe_load(path.read_text()))


def page(alert: str) -> str:
    """`gpu-error` of GpuError, as the chart writes it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower()


def queries(kind: str) -> Iterator[tuple[str, str]]:
    """Of all dashboards, those to one kind of data source, with the place that has them."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                if target["datasource"]["type"] == kind:
                    yield f"{path.stem}: {panel['title']}", target["expr"]


def configuration() -> tuple[Block, ...]:
    return parse(values("alloy")["alloy"]["configMap"]["content"])


def test_each_alert_has_its_page_and_each_page_its_alert():
    assert {page(each["alert"]) for each in ALERTS} == {each.stem for each in RUNBOOKS.glob("*.md")} - {
        "index"
    }
    for each in ALERTS:
        assert (RUNBOOKS / f"{page(each['alert'])}.md").read_text().startswith(f"# {each['alert']}\n")
        assert f"({page(each['alert'])}.md)" in (RUNBOOKS / "index.md").read_text()


def test_an_alert_says_how_grave_it_is_and_what_has_happened():
    for each in ALERTS:
        assert each.keys() == {"alert", "expr", "for", "labels", "annotations"}
        assert each["labels"]["severity"] in ("info", "warning", "critical")
        assert each["annotations"].keys() == {"summary"}


@pytest.mark.parametrize(
    ("place", "expression"),
    [*((each["alert"], each["expr"]) for each in ALERTS), *queries("prometheus")],
)
def test_a_query_of_metrics_is_promql(place: str, expression: str):
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    assert promql_parser.parse(expression), place


def test_a_dashboard_names_data_sources_that_there_are():
    grafana = values("kube-prometheus-stack")["grafana"]
    known = {"prometheus", *(each["uid"] for each in grafana["additionalDataSources"])}
    for path in DASHBOARDS:
        assert (
            set(re.findall(r'"type": "(?:prometheus|loki)",\s+"uid": "([^"]+)"', path.read_text())) <= known
        )


def test_dashboards_are_told_apart():
    read = [json.loads(each.read_text()) for each in DASHBOARDS]
    assert len({each["uid"] for each in read}) == len({each["title"] for each in read}) == len(read)


def test_a_query_of_logs_asks_for_labels_that_alloy_writes():
    written = {"source", "action", "job", "namespace", "pod", "container", "app"}
    for place, expression in queries("loki"):
        selector = expression[expression.index("{") : expression.index("}")]
        assert set(re.findall(r"(\w+)\s*(?:=~|!=|=)", selector)) <= written, place


def test_what_alloy_refers_to_is_there_and_all_of_it_is_used():
    blocks = configuration()
    there = {each.path for each in blocks if each.label}
    named = {name.rpartition(".")[0] for each in blocks for name in each.references()}
    assert named <= there
    ends = {each.path for each in blocks if each.name.startswith("loki.source.")}
    assert there - named == ends


def test_expressions_of_alloy_are_regular_expressions():
    found = [text for each in configuration() for text in each.strings("expression")]
    assert found
    for each in found:
        re.compile(each)


def test_each_source_of_the_audit_log_is_told():
    text = values("alloy")["alloy"]["configMap"]["content"]
    assert set(re.findall(r'\bsource\s*= "(\w+)"[ ,}\n]', text)) >= SOURCES


def test_each_tenant_has_its_time_and_its_login_wherever_it_is_written_and_read():
    writes = {
        text for each in configuration() if each.name == "loki.write" for text in each.strings("username")
    }
    reads = {
        each["basicAuthUser"] for each in values("kube-prometheus-stack")["grafana"]["additionalDataSources"]
    }
    assert writes == reads == TENANTS
    for profile in ("-small", "-ha"):
        assert values("loki", profile)["loki"]["runtimeConfig"]["overrides"].keys() == TENANTS


@pytest.mark.parametrize(
    "text", ["a {", "a = ", "a = [1 2]", 'b "x" }', "a = 1\na = 2", 'a = "b', "a = b.", "a { b }"]
)
def test_what_is_no_configuration_of_alloy_is_refused(text: str):
    with pytest.raises(ValueError, match=r"line [12]"):
        parse(text)
