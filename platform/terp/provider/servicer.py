"""Pulumi's provider protocol: properties in and out, secrets marked, errors told.

What a resource is and does says `resource.Resource`; this only translates.
"""

import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from pydantic import JsonValue

from terp.errors import TerpError
from terp.masking import Mask
from terp.provider.differences import differences
from terp.provider.engine import EngineLog
from terp.provider.resource import Resource, UnfinishedError
from terp.provider.values import UNKNOWN, Properties, has_unknown, marked, plain, secret_names

NAME = "name"
"""The property that is the id of a resource; another name is another resource."""

Answer = TypeVar("Answer")


def guarded(
    method: Callable[["Servicer", Any, Mask], Answer],
) -> Callable[["Servicer", Any, grpc.ServicerContext], Answer]:
    """A method of the protocol that tells its errors to the engine, without secrets.

    It gets a mask with every secret of the request.
    """

    @wraps(method)
    def call(self: "Servicer", request: Any, context: grpc.ServicerContext) -> Answer:  # noqa: ANN401
        mask = Mask(_secrets_of(request, self._secrets))
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
    """The resource is there, but not as it shall be: the next `up` goes on."""

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
    """One provider process, and its resources by their types."""

    def __init__(self, engine: str, version: str, resources: Mapping[str, Resource]) -> None:
        self._engine, self._version, self._resources = engine, version, resources
        self._secrets = frozenset(name for each in resources.values() for name in each.secrets)
        self._stops: set[threading.Event] = set()

    def stop(self) -> None:
        """End what runs: each piece of work ends by itself, and soon."""
        for stop in tuple(self._stops):
            stop.set()

    @property
    def busy(self) -> bool:
        """Whether anything runs that changes something."""
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
        return plugin_pb2.PluginInfo(version=self._version)

    def GetSchema(  # noqa: N802
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """No schema: the one program that uses this is ours."""
        return provider_pb2.GetSchemaResponse(schema=f'{{"name": "terp", "version": "{self._version}"}}')

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

    # -- the resources

    @guarded
    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, mask: Mask
    ) -> provider_pb2.CheckResponse:
        """Whether the inputs are right."""
        resource = self._resource(request.urn)
        olds = plain(request.olds)
        news = resource.arranged(olds, plain(request.news))
        problems = [] if news == olds or has_unknown(news) else resource.problems(news)
        told = (_problem(where, what, resource.secrets) for where, what in problems)
        failures = [provider_pb2.CheckFailure(property=where, reason=mask(what)) for where, what in told]
        return provider_pb2.CheckResponse(inputs=marked(news, resource.secrets), failures=failures)

    @guarded
    def Diff(  # noqa: N802
        self, request: provider_pb2.DiffRequest, mask: Mask
    ) -> provider_pb2.DiffResponse:
        """What differs, property by property."""
        old, new, resource = plain(request.old_inputs), plain(request.news), self._resource(request.urn)
        go_on = resource.is_unfinished(request.id, plain(request.olds))
        return diff_response(old, new, request.ignoreChanges, secrets=resource.secrets, go_on=go_on)

    @guarded
    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, mask: Mask
    ) -> provider_pb2.CreateResponse:
        """Make a resource, or take up what an earlier run has begun."""
        inputs = plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=self._previewed(request, inputs, {}, mask))
        return provider_pb2.CreateResponse(
            id=str(inputs[NAME]), properties=self._led(request, inputs, {}, mask)
        )

    @guarded
    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, mask: Mask
    ) -> provider_pb2.UpdateResponse:
        """Lead a resource to what is wanted now."""
        inputs, outputs = plain(request.news), plain(request.olds)
        done = self._previewed if request.preview else self._led
        return provider_pb2.UpdateResponse(properties=done(request, inputs, outputs, mask))

    @guarded
    def Read(  # noqa: N802
        self, request: provider_pb2.ReadRequest, mask: Mask
    ) -> provider_pb2.ReadResponse:
        """Look at a resource; an answer without an id says that it is gone."""
        inputs, outputs = plain(request.inputs), plain(request.properties)
        resource = self._resource(request.urn)
        if not inputs:
            raise TerpError(
                f"{request.id} cannot be imported by its name alone",
                hint="declare it in the environment and run `up`: what is there is taken over",
                exit_code=2,
            )
        found = resource.read(inputs, outputs, EngineLog(self._engine, request.urn, mask))
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=_outputs(resource, inputs, found, mask),
            inputs=marked(inputs, resource.secrets),
        )

    @guarded
    def Delete(  # noqa: N802
        self, request: provider_pb2.DeleteRequest, mask: Mask
    ) -> Empty:
        """Forget a resource, and do what its end asks for."""
        inputs = plain(request.old_inputs)
        log = EngineLog(self._engine, request.urn, mask)
        with self._stoppable(request.timeout) as stop:
            self._resource(request.urn).delete(inputs, log, stop)
        return Empty()

    # -- parts of these

    def _resource(self, urn: str) -> Resource:
        """`urn:pulumi:stack::project::type::name`, or with its parents' types before the type and `$`."""
        return self._resources[urn.split("::")[2].rpartition("$")[2]]

    def _previewed(self, request: Any, inputs: Properties, outputs: Properties, mask: Mask) -> Struct:  # noqa: ANN401
        """The outputs as far as they are known, after saying what would happen."""
        resource, log = self._resource(request.urn), EngineLog(self._engine, request.urn, mask)
        stays = not resource.preview(inputs, outputs, log)
        known = {name: outputs[name] for name in resource.computed if name in outputs and stays}
        return marked({**inputs, **dict.fromkeys(resource.computed, UNKNOWN), **known}, resource.secrets)

    def _led(self, request: Any, inputs: Properties, outputs: Properties, mask: Mask) -> Struct:  # noqa: ANN401
        """The outputs of a resource that was led to what its inputs say."""
        resource, log = self._resource(request.urn), EngineLog(self._engine, request.urn, mask)
        with self._stoppable(request.timeout) as stop:
            try:
                return _outputs(resource, inputs, resource.lead(inputs, outputs, log, stop), mask)
            except UnfinishedError as error:
                left = _outputs(resource, inputs, error.outputs, mask)
                raise _UnfinishedResourceError(
                    str(inputs[NAME]), left, marked(inputs, resource.secrets), mask(str(error))
                ) from error

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


def _problem(place: Sequence[str], message: str, secrets: frozenset[str]) -> tuple[str, str]:
    """Property and reason; without the property if it is secret: the engine would print its value."""
    where = ".".join(place)
    return ("", f"{where}: {message}") if place and place[0] in secrets else (where, message)


def diff_response(
    old: Mapping[str, JsonValue],
    new: Mapping[str, JsonValue],
    ignored: Sequence[str],
    *,
    secrets: frozenset[str] = frozenset(),
    go_on: bool = False,
) -> provider_pb2.DiffResponse:
    """What differs between inputs, as the engine takes it; of secrets it tells the property alone.

    With `go_on` the state of the resource differs in any case: a change of it was broken off.
    """
    kinds = provider_pb2.PropertyDiff.Kind
    detailed: dict[str, provider_pb2.PropertyDiff] = {}
    replaces = []
    for path, kind in differences(old, new).items():
        top = path.partition(".")[0].partition("[")[0]
        if top in ignored or path in ignored:
            continue
        replace = top == NAME
        if replace:
            replaces.append(top)
        # a secret property is shown as a whole: the engine would look for its parts behind the mark
        where = top if top in secrets else path
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


def _secrets_of(request: object, secret: frozenset[str]) -> Iterator[str]:
    """Every text in the secret properties of a request."""
    for field in ("olds", "news", "properties", "inputs", "old_inputs"):
        struct = getattr(request, field, None)
        if isinstance(struct, Struct):
            names = secret_names(struct) | secret
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


def _outputs(resource: Resource, inputs: Properties, computed: Properties, mask: Mask) -> Struct:
    """For the engine; from now on the secrets in it are struck out of whatever is said."""
    for name in resource.secrets & computed.keys():
        mask.add(_texts(computed[name]))
    return marked({**inputs, **computed}, resource.secrets)
