"""Pulumi's provider protocol for clusters: properties in and out, secrets marked, errors told.

What happens to a cluster is decided and done in `terp.kubernetes.life`; this only translates. Modules that
take long to import are imported when they are needed: an update without changes needs none of them.
"""

import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from pydantic import JsonValue

from terp.errors import TerpError
from terp.kubernetes.masking import Mask
from terp.kubernetes.provider.differences import differences
from terp.kubernetes.provider.engine import EngineLog
from terp.kubernetes.provider.foresight import foreseen
from terp.kubernetes.provider.values import (
    UNKNOWN,
    Properties,
    has_unknown,
    marked,
    plain,
    secret_names,
)
from terp.kubernetes.unfinished import forget, is_unfinished

if TYPE_CHECKING:
    from terp.kubernetes.life import Life, Standing, Wanted

TYPE = "terp:kubernetes:Cluster"
VERSION = "0.1.0"
SECRETS = frozenset({"private_key", "secrets", "kubeconfig", "keys"})
COMPUTED = ("state", "attempts", "kubeconfig", "ca_certificate", "keys", "fingerprints", "runs")
"""Outputs that are no inputs."""
REPLACES = frozenset({"name"})
"""Another name is another cluster."""
NODES = "nodes"


Answer = TypeVar("Answer")


def guarded(
    method: Callable[["Servicer", Any, Mask], Answer],
) -> Callable[["Servicer", Any, grpc.ServicerContext], Answer]:
    """A method of the protocol that tells its errors to the engine, without secrets.

    It gets a mask with every secret of the request.
    """

    @wraps(method)
    def call(self: "Servicer", request: Any, context: grpc.ServicerContext) -> Answer:  # noqa: ANN401
        mask = Mask(_secrets_of(request))
        try:
            return method(self, request, mask)
        except _UnfinishedResourceError as error:
            code, reason = grpc.StatusCode.UNKNOWN, mask(str(error))
            context.set_trailing_metadata((("grpc-status-details-bin", error.status(reason)),))
        except TerpError as error:
            code, reason = grpc.StatusCode.FAILED_PRECONDITION, mask(str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not carry secrets out
            sys.stderr.write(mask(traceback.format_exc()))
            code, reason = grpc.StatusCode.INTERNAL, mask(f"{type(error).__name__}: {error}")
        context.abort(code, reason)
        raise AssertionError("abort has raised")

    return call


class _UnfinishedResourceError(Exception):
    """The cluster is there, but not as it shall be: the next `up` goes on."""

    def __init__(self, name: str, outputs: Struct, inputs: Struct, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.outputs = outputs
        self.inputs = inputs

    def status(self, reason: str) -> bytes:
        """The answer that there is a resource, but not ready (sdk/v3: go/common/resource/plugin)."""
        detail = provider_pb2.ErrorResourceInitFailed(
            id=self.name, properties=self.outputs, inputs=self.inputs, reasons=[reason]
        )
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason)
        status.details.add().Pack(detail)
        return bytes(status.SerializeToString())


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """One provider process; `life` makes the life of clusters when it is first needed."""

    def __init__(self, engine: str, life: Callable[[], "Life"]) -> None:
        self._engine = engine
        self._life = life
        self._stops: set[threading.Event] = set()

    def stop(self) -> None:
        """End what runs: each piece of work ends by itself, and soon."""
        for stop in tuple(self._stops):
            stop.set()

    @property
    def busy(self) -> bool:
        """Whether anything runs that changes a cluster."""
        return bool(self._stops)

    # -- what every provider says of itself

    def Handshake(  # noqa: N802
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Meet the engine."""
        self._engine = request.engine_address or self._engine
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=True, accept_outputs=False
        )

    def Attach(  # noqa: N802
        self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext
    ) -> Empty:
        """Take another engine: that of a debugger."""
        self._engine = request.address
        return Empty()

    def GetPluginInfo(  # noqa: N802
        self, request: Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """The version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(  # noqa: N802
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """No schema: the one program that uses this is ours."""
        return provider_pb2.GetSchemaResponse(schema=f'{{"name": "terp", "version": "{VERSION}"}}')

    def CheckConfig(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Any configuration is right: there is none."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Nothing in the configuration matters."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """What this provider can do."""
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=False
        )

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        """End what runs; the engine calls this at every normal end, too."""
        self.stop()
        return Empty()

    # -- the resource

    @guarded
    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, mask: Mask
    ) -> provider_pb2.CheckResponse:
        """Whether the inputs are right; nodes keep the order in which they were recorded."""
        olds, news = plain(request.olds), plain(request.news)
        news[NODES] = in_recorded_order(olds.get(NODES), news.get(NODES))
        problems = [] if news == olds or has_unknown(news) else self._problems(news)
        failures = [provider_pb2.CheckFailure(property=where, reason=mask(what)) for where, what in problems]
        return provider_pb2.CheckResponse(inputs=marked(news, SECRETS), failures=failures)

    @guarded
    def Diff(  # noqa: N802
        self, request: provider_pb2.DiffRequest, mask: Mask
    ) -> provider_pb2.DiffResponse:
        """What differs, property by property."""
        old, new = plain(request.old_inputs), plain(request.news)
        return diff_response(old, new, request.ignoreChanges, go_on=is_unfinished(request.id))

    @guarded
    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, mask: Mask
    ) -> provider_pb2.CreateResponse:
        """Make a cluster, or take up what an earlier run has begun."""
        inputs = plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(
                id="", properties=self._previewed(request.urn, inputs, {}, mask)
            )
        outputs = self._led(request, inputs, {}, mask)
        return provider_pb2.CreateResponse(id=str(inputs["name"]), properties=outputs)

    @guarded
    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, mask: Mask
    ) -> provider_pb2.UpdateResponse:
        """Lead a cluster to what is wanted now."""
        inputs, outputs = plain(request.news), plain(request.olds)
        if request.preview:
            previewed = self._previewed(request.urn, inputs, outputs, mask)
            return provider_pb2.UpdateResponse(properties=previewed)
        return provider_pb2.UpdateResponse(properties=self._led(request, inputs, outputs, mask))

    @guarded
    def Read(  # noqa: N802
        self, request: provider_pb2.ReadRequest, mask: Mask
    ) -> provider_pb2.ReadResponse:
        """Look at a cluster; an answer without an id says that it is gone."""
        inputs, outputs = plain(request.inputs), plain(request.properties)
        if not inputs:
            raise TerpError(
                "a cluster cannot be imported by its name alone",
                hint="declare it in the environment and run `up`: what is there is taken over",
                exit_code=2,
            )
        log = EngineLog(self._engine, request.urn, mask)
        standing = self._life().read(_wanted(inputs), _standing(outputs), log)
        if standing is None:
            return provider_pb2.ReadResponse()
        mask.add(standing.secrets)
        return provider_pb2.ReadResponse(
            id=request.id, properties=_outputs(inputs, standing), inputs=marked(inputs, SECRETS)
        )

    @guarded
    def Delete(  # noqa: N802
        self, request: provider_pb2.DeleteRequest, mask: Mask
    ) -> Empty:
        """Forget a cluster; its servers go anyway. Only `reset_on_delete` makes it leave its hosts."""
        inputs = plain(request.old_inputs)
        if inputs.get("reset_on_delete"):
            log = EngineLog(self._engine, request.urn, mask)
            with self._stoppable(request.timeout) as stop:
                self._life().reset(_wanted(inputs), log, stop)
        forget(str(inputs["name"]))
        return Empty()

    # -- parts of these

    @staticmethod
    def _problems(inputs: Properties) -> list[tuple[str, str]]:
        """What is wrong with inputs, by property."""
        from pydantic import ValidationError

        try:
            _wanted(inputs)
        except ValidationError as error:  # its own text would repeat secrets
            found = error.errors(include_input=False, include_url=False)
            return [_problem([str(part) for part in each["loc"]], each["msg"]) for each in found]
        return []

    def _previewed(self, urn: str, inputs: Properties, outputs: Properties, mask: Mask) -> Struct:
        """The outputs as far as they are known, after saying which runs there would be."""
        log = EngineLog(self._engine, urn, mask)
        assumed, coming, gaps = foreseen(inputs, outputs)
        runs = bool(self._life().preview(_wanted(assumed), _standing(outputs), log, coming)) or bool(coming)
        if gaps and outputs:
            log.say(f"{', '.join(gaps)}: not known yet; what changes there may run more")
            runs = True
        known = {name: outputs[name] for name in COMPUTED if name in outputs and not runs}
        return marked({**inputs, **dict.fromkeys(COMPUTED, UNKNOWN), **known}, SECRETS)

    def _led(self, request: Any, inputs: Properties, outputs: Properties, mask: Mask) -> Struct:  # noqa: ANN401
        """The outputs of a cluster that was led to what its inputs say."""
        from terp.kubernetes.life import UnfinishedError

        log = EngineLog(self._engine, request.urn, mask)
        with self._stoppable(request.timeout) as stop:
            try:
                standing = self._life().lead(_wanted(inputs), _standing(outputs), log, stop)
            except UnfinishedError as error:
                mask.add(error.standing.secrets)
                left = _outputs(inputs, error.standing)
                raise _UnfinishedResourceError(
                    str(inputs["name"]), left, marked(inputs, SECRETS), mask(str(error))
                ) from error
        mask.add(standing.secrets)
        return _outputs(inputs, standing)

    @contextmanager
    def _stoppable(self, limit: float) -> Iterator[threading.Event]:
        """An event that asks the work of the block to end: by Cancel, or after `limit` seconds unless 0."""
        stop = threading.Event()
        self._stops.add(stop)
        timer = threading.Timer(limit, stop.set) if limit else None
        if timer:
            timer.daemon = True
            timer.start()
        try:
            yield stop
        finally:
            if timer:
                timer.cancel()
            self._stops.discard(stop)


def _problem(place: Sequence[str], message: str) -> tuple[str, str]:
    """Property and reason; without the property if it is secret: the engine would print its value."""
    where = ".".join(place)
    return ("", f"{where}: {message}") if place[0] in SECRETS else (where, message)


def in_recorded_order(old: JsonValue, new: JsonValue) -> JsonValue:
    """The new nodes: first those that were there before, in the order of then, and new ones after them.

    The first of the control plane and of etcd do what is done once: their places must not move.
    """
    if not isinstance(old, list) or not isinstance(new, list):
        return new
    if not all(isinstance(node, dict) and "name" in node for node in (*old, *new)):
        return new
    places = {node["name"]: place for place, node in enumerate(old)}  # type: ignore[call-overload, index]
    return sorted(new, key=lambda node: places.get(node["name"], len(places)))  # type: ignore[call-overload, index]


def diff_response(
    old: Mapping[str, JsonValue],
    new: Mapping[str, JsonValue],
    ignored: Sequence[str],
    *,
    go_on: bool = False,
) -> provider_pb2.DiffResponse:
    """What differs between inputs, as the engine takes it; of secrets it tells the property alone.

    With `go_on` the state of the cluster differs in any case: a change of it was broken off.
    """
    kinds = provider_pb2.PropertyDiff.Kind
    detailed: dict[str, provider_pb2.PropertyDiff] = {}
    replaces = []
    for path, kind in differences(old, new).items():
        top = path.partition(".")[0].partition("[")[0]
        if top in ignored or path in ignored:
            continue
        replace = top in REPLACES
        if replace:
            replaces.append(top)
        # a secret property is shown as a whole: the engine would look for its parts behind the mark
        where = top if top in SECRETS else path
        name = f"{kind.upper()}{'_REPLACE' if replace else ''}"
        detailed[where] = provider_pb2.PropertyDiff(kind=kinds.Value(name), inputDiff=True)
    if go_on:
        detailed["state"] = provider_pb2.PropertyDiff(kind=kinds.UPDATE, inputDiff=False)
    changes = provider_pb2.DiffResponse.DIFF_SOME if detailed else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=changes,
        replaces=replaces,
        diffs=sorted({path.partition(".")[0].partition("[")[0] for path in detailed}),
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=True,
    )


def _secrets_of(request: object) -> Iterator[str]:
    """Every text in the secret properties of a request."""
    for field in ("olds", "news", "properties", "inputs", "old_inputs"):
        struct = getattr(request, field, None)
        if isinstance(struct, Struct):
            names = secret_names(struct) | SECRETS
            for name, value in plain(struct).items():
                if name in names:
                    yield from _texts(value)


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str) and value != UNKNOWN:
        yield value


def _wanted(inputs: Properties) -> "Wanted":
    from terp.kubernetes.life import Wanted

    return Wanted.model_validate(inputs)


def _standing(outputs: Properties) -> "Standing | None":
    """What an earlier run recorded of the cluster; None when it recorded nothing."""
    from terp.kubernetes.life import Standing

    computed = {name: outputs[name] for name in COMPUTED if outputs.get(name, UNKNOWN) != UNKNOWN}
    computed.pop("fingerprints", None)  # follows from the keys
    return Standing.model_validate(computed) if computed else None


def _outputs(inputs: Properties, standing: "Standing") -> Struct:
    computed: Properties = standing.model_dump(mode="json", exclude_none=True)
    return marked({**inputs, **computed, "fingerprints": dict(standing.fingerprints)}, SECRETS)
