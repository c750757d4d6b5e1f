"""Pulumi's analyzer protocol: resources in, findings out.

A preview is judged as a whole, with all findings at once. An update that no preview came before is judged as
it goes, resource by resource, each together with those before it: the first that is refused ends it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2, plugin_pb2
from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerServicer

from terp.environment import Environment, check
from terp.environment.findings import ENVIRONMENT
from terp.errors import TerpError
from terp.policy.finding import Finding
from terp.policy.judgement import judge
from terp.policy.pack import ALLOW
from terp.policy.pack.state import Recorded
from terp.policy.plan import Plan, Properties, plan_of_states
from terp.policy.rules import PLAIN_SECRET, RULES
from terp.provider.values import plain
from terp.provider.version import VERSION

NAME = "terp"
SENTENCES = {
    PLAIN_SECRET: "No secret stands in plain text in the stack's file.",
    **{rule.id: rule.sentence for rule in RULES},
}


class Analyzer(AnalyzerServicer):
    """One process for one run of the engine; `recorded` tells what a stack has before it."""

    busy = False

    def __init__(self, recorded: Callable[[str], Recorded], allow: tuple[str, ...]) -> None:
        self._read, self._allow = recorded, allow
        self._recorded = Recorded()
        self._environment: Environment | None = None
        self._config: object = None
        self._preview = True
        self._seen: dict[str, Properties] = {}

    def stop(self) -> None:
        """There is nothing to end."""

    # -- what every policy pack says of itself

    def Handshake(  # noqa: N802
        self, request: analyzer_pb2.AnalyzerHandshakeRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzerHandshakeResponse:
        """Meet the engine."""
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def GetPluginInfo(  # noqa: N802
        self, request: Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """The version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetAnalyzerInfo(  # noqa: N802
        self, request: Empty, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzerInfo:
        """The rules."""
        return analyzer_pb2.AnalyzerInfo(
            name=NAME,
            displayName="Terp's gate",
            version=VERSION,
            policies=[
                analyzer_pb2.PolicyInfo(
                    name=rule,
                    description=sentence,
                    enforcementLevel=analyzer_pb2.MANDATORY,
                    policy_type=analyzer_pb2.POLICY_TYPE_STACK,
                )
                for rule, sentence in SENTENCES.items()
            ],
        )

    def Configure(  # noqa: N802
        self, request: analyzer_pb2.ConfigureAnalyzerRequest, context: grpc.ServicerContext
    ) -> Empty:
        """Nothing: the environment's file says all."""
        return Empty()

    def Remediate(  # noqa: N802
        self, request: analyzer_pb2.AnalyzeRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.RemediateResponse:
        """Nothing is put right by itself."""
        return analyzer_pb2.RemediateResponse()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        """Nothing runs that would have to end."""
        return Empty()

    # -- the judgement

    def ConfigureStack(  # noqa: N802
        self, request: analyzer_pb2.AnalyzerStackConfigureRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzerStackConfigureResponse:
        """Take the environment, and read what the stack has."""
        self._preview = request.dry_run
        hidden = set(request.config_secret_keys)
        values = {key: _value(text) for key, text in request.config.items()}
        self._config = {key: value for key, value in values.items() if key not in hidden}
        try:
            self._environment = check(values.get(ENVIRONMENT), request.stack)
            self._recorded = self._read(request.stack)
        except TerpError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Analyze(  # noqa: N802
        self, request: analyzer_pb2.AnalyzeRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzeResponse:
        """A resource before its step."""
        if self._preview:
            return analyzer_pb2.AnalyzeResponse()
        old = self._recorded.inputs
        self._seen[request.urn] = plain(request.properties)
        plan = plan_of_states(old, {**old, **self._seen}, raised=self._recorded.raised)
        return analyzer_pb2.AnalyzeResponse(diagnostics=_told(self._judged(plan)))

    def AnalyzeStack(  # noqa: N802
        self, request: analyzer_pb2.AnalyzeStackRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzeResponse:
        """Everything that the stack would have."""
        if not self._preview:
            return analyzer_pb2.AnalyzeResponse()
        new = {resource.urn: plain(resource.properties) for resource in request.resources}
        plan = plan_of_states(self._recorded.outputs, new, raised=self._recorded.raised)
        return analyzer_pb2.AnalyzeResponse(diagnostics=_told(self._judged(plan)))

    def _judged(self, plan: Plan) -> tuple[Finding, ...]:
        if self._environment is None:
            raise AssertionError("the engine configures a policy pack before it asks")
        return judge(plan, self._environment, self._allow, self._config)


def _told(findings: Iterable[Finding]) -> Iterator[analyzer_pb2.AnalyzeDiagnostic]:
    for finding in findings:
        stops = finding.standing == "refused"
        way = f"; if it is meant, once: {ALLOW}={finding.override}" if stops else ""
        yield analyzer_pb2.AnalyzeDiagnostic(
            policyName=finding.rule,
            policyPackName=NAME,
            policyPackVersion=VERSION,
            description=SENTENCES[finding.rule],
            message=f"{finding.subject}: {finding.reason}{way}",
            enforcementLevel=analyzer_pb2.MANDATORY if stops else analyzer_pb2.ADVISORY,
        )


def _value(text: str) -> Any:  # noqa: ANN401 - what JSON holds
    """A value of the configuration: what is not text is JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text
