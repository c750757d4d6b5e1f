"""The process of a plugin: it serves on loopback, and ends with the engine, however that ends."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import grpc

MESSAGE = 400 << 20
"""Bytes of the largest message, as in Pulumi's own servers."""
AT_ONCE = 16
"""Requests: a resource each, and what the engine asks meanwhile."""
EVERY = 0.5
"""Seconds between two looks at whether the engine lives."""
TO_STOP = 60.0
"""Seconds that work has to end once it was asked to."""


class Servicer(Protocol):
    """What answers the engine."""

    def stop(self) -> None:
        """End what runs."""

    @property
    def busy(self) -> bool:
        """Whether anything runs that changes something."""


Some = TypeVar("Some", bound=Servicer)


def serve(servicer: Some, register: Callable[[Some, grpc.Server], None]) -> None:
    """Serve until SIGTERM, SIGINT or the end of the engine, then stop the work that runs."""
    engine, over = os.getppid(), threading.Event()
    server = grpc.server(
        ThreadPoolExecutor(AT_ONCE),
        options=[("grpc.max_receive_message_length", MESSAGE), ("grpc.max_send_message_length", MESSAGE)],
    )
    register(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not over.wait(EVERY):
        if os.getppid() != engine:  # it was killed: nobody will call Cancel
            over.set()
    servicer.stop()
    end = time.monotonic() + TO_STOP
    while servicer.busy and time.monotonic() < end:
        time.sleep(0.1)
    server.stop(grace=1.0).wait()
    os._exit(0)  # a thread that did not end must not keep the process
