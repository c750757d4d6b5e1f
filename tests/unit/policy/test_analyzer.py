"""The policy pack's side of the protocol, without an engine."""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import grpc
import pytest
import yaml
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2

from terp.openstack.types import CLOUD, VOLUME
from terp.paths import PROJECT
from terp.policy.pack.analyzer import Analyzer
from terp.policy.pack.state import record_of
from terp.policy.rules import RULES
from terp.provider.values import SECRET, SIGNATURE

FILE = PROJECT / "tests" / "fixtures" / "valid" / "smallest.yaml"
URN = f"urn:pulumi:prod::terp::terp:openstack:Cloud${VOLUME}::"
FLOATING_IP = "urn:pulumi:prod::terp::openstack:networking/floatingIp:FloatingIp::api"
STATE: dict[str, list[dict[str, Any]]] = {
    "resources": [
        {"type": CLOUD, "urn": f"urn:pulumi:prod::terp::{CLOUD}::s", "outputs": {"a": 1}},
        {"type": VOLUME, "urn": f"{URN}etcd-0", "inputs": {"size": 4}, "outputs": {"size": 4, "id": "x"}},
        {"type": VOLUME, "urn": f"{URN}old", "delete": True},
    ]
}


class Aborted(Exception):  # noqa: N818
    """What the engine is told instead of an answer."""


class Context:
    """As far as an answer needs it."""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise Aborted(details)


CONTEXT: Any = Context()


def analyzer(*allow: str, preview: bool = True, config: dict[str, Any] | None = None) -> Analyzer:
    """A pack that the engine has told of a stack."""
    made = Analyzer(lambda _stack: record_of(STATE), allow)
    environment = yaml.safe_load(FILE.read_text())["config"]["terp:environment"]
    texts = {"terp:environment": json.dumps(environment), **(config or {})}
    made.ConfigureStack(
        analyzer_pb2.AnalyzerStackConfigureRequest(
            stack="prod", dry_run=preview, config=texts, config_secret_keys=["openstack:token"]
        ),
        CONTEXT,
    )
    return made


def properties(**values: Any) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct


def of_stack(made: Analyzer, *urns: str) -> list[tuple[str, str, int]]:
    """Rule, message and level of what is said of a whole stack."""
    kept = [each["urn"] for each in STATE["resources"] if each.get("outputs")]
    resources = [
        analyzer_pb2.AnalyzerResource(urn=urn, properties=properties(size=4)) for urn in (*kept[:1], *urns)
    ]
    answer = made.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources), CONTEXT)
    return [(each.policyName, each.message, each.enforcementLevel) for each in answer.diagnostics]


def test_a_preview_is_judged_as_a_whole() -> None:
    assert of_stack(analyzer(), f"{URN}etcd-0") == []
    (rule, message, level), (other, _, _) = of_stack(analyzer(), FLOATING_IP)
    assert (rule, level) == ("delete-volume", analyzer_pb2.MANDATORY)
    assert message == (
        "etcd-0: the volume (4 GiB) would be deleted, with all that is on it; "
        "if it is meant, once: TERP_ALLOW=delete-volume:etcd-0"
    )
    assert other == "public"


def test_what_is_allowed_is_told_and_stops_nothing() -> None:
    allowed = analyzer("delete-volume:etcd-0")
    assert [level for _, _, level in of_stack(allowed)] == [analyzer_pb2.ADVISORY]
    assert of_stack(allowed, f"{URN}etcd-0") == []


def test_an_update_without_a_preview_is_judged_as_it_goes() -> None:
    made = analyzer(preview=False)
    assert of_stack(made) == []  # that is over when everything is done

    def said(urn: str) -> Sequence[str]:
        request = analyzer_pb2.AnalyzeRequest(urn=urn, properties=properties(size=4))
        return [each.policyName for each in made.Analyze(request, CONTEXT).diagnostics]

    assert said(f"{URN}etcd-0") == []
    assert said(FLOATING_IP) == ["public"]


def test_a_secret_of_the_configuration_is_told_from_a_plain_one() -> None:
    config = {"openstack:token": "geheim", "openstack:password": "hunter2"}
    (found,) = of_stack(analyzer(config=config), f"{URN}etcd-0")
    assert found[0] == "plain-secret"
    assert "openstack:password" in found[1]
    assert "hunter2" not in found[1]


def test_an_environment_that_is_not_valid_ends_the_run() -> None:
    with pytest.raises(Aborted, match="mistake"):
        analyzer(config={"terp:environment": json.dumps({"nodes": {}})})


def test_marks_of_secrets_are_no_values() -> None:
    made = analyzer()
    secret = {SIGNATURE: SECRET, "value": "geheim"}
    request = analyzer_pb2.AnalyzeStackRequest(
        resources=[analyzer_pb2.AnalyzerResource(urn=f"{URN}etcd-0", properties=properties(key=secret))]
    )
    assert "geheim" not in str(made.AnalyzeStack(request, CONTEXT))


def test_every_rule_is_mandatory() -> None:
    info = analyzer().GetAnalyzerInfo(None, CONTEXT)
    assert {each.enforcementLevel for each in info.policies} == {analyzer_pb2.MANDATORY}
    assert {each.name for each in info.policies} == {"plain-secret", *(rule.id for rule in RULES)}
