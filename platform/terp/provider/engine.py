"""What a provider says while it works, in the engine's log: masked, and no more than a person reads."""

import time

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from terp.masking import Mask

EVERY = 10.0
"""Seconds between two lines of progress: each is a line of its own where there is no terminal."""
LIMIT = 5.0
"""Seconds that the engine has to take a line."""


class EngineLog:
    """The log of one resource in the engine."""

    def __init__(self, address: str, urn: str, mask: Mask) -> None:
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
        self._urn = urn
        self._mask = mask
        self._last = float("-inf")

    def say(self, line: str) -> None:
        """Show a line."""
        self._send(engine_pb2.INFO, line)

    def warn(self, line: str) -> None:
        """Show a warning."""
        self._send(engine_pb2.WARNING, line)

    def progress(self, line: str) -> None:
        """Show how far it is, unless it was said a moment ago."""
        now = time.monotonic()
        if now - self._last >= EVERY:
            self._last = now
            self._send(engine_pb2.INFO, line, passing=True)

    def _send(self, severity: engine_pb2.LogSeverity.ValueType, line: str, *, passing: bool = False) -> None:
        request = engine_pb2.LogRequest(
            severity=severity, message=self._mask(line), urn=self._urn, ephemeral=passing
        )
        self._engine.Log(request, timeout=LIMIT)
