"""One HTTP server on loopback for one OpenStack API, with fault injection in front of it.

`python -m terp.cloud.services.wsgi <service> <module of the WSGI application> [arguments of the service]`
"""

import importlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from cheroot import wsgi

from terp.cloud.faults import Fault
from terp.cloud.services.fault_rules import FaultRules
from terp.cloud.state import State

Start = Callable[..., Callable[[bytes], object]]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]

THREADS = 8
CONNECTION = "terp.connection"


class FaultyApplication:
    """A WSGI application that sometimes fails on purpose."""

    def __init__(self, application: Application, service: str, rules: FaultRules) -> None:
        self._application = application
        self._service = service
        self._rules = rules

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        fault = self._rules.fire(
            lambda rule: rule.meets_request(self._service, environ["REQUEST_METHOD"], environ["PATH_INFO"])
        )
        if fault is None:
            return self._application(environ, start_response)
        time.sleep(fault.delay)
        if not (fault.status or fault.drop):
            return self._application(environ, start_response)
        if fault.lost:
            self._do_unseen(environ)
        if fault.drop:
            environ[CONNECTION].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError("dropped on purpose")
        return _answer(fault, start_response)

    def _do_unseen(self, environ: dict[str, Any]) -> None:
        """Do what was asked; nobody hears the answer."""
        answer = self._application(environ, lambda *_: lambda _: None)
        list(answer)
        close = getattr(answer, "close", None)
        if close:
            close()


def _answer(fault: Fault, start_response: Start) -> list[bytes]:
    status = HTTPStatus(fault.status or 500)
    message = {"code": status.value, "title": status.phrase, "message": f"{status.phrase}: made on purpose"}
    body = json.dumps({"error": message}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if fault.retry_after is not None:
        headers.append(("Retry-After", str(fault.retry_after)))
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]


class _Gateway(wsgi.Gateway_10):
    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), CONNECTION: self.req.conn.socket}


def serve(application: Application, service: str, threads: int = THREADS) -> None:
    """Serve until SIGTERM, on the port that the state gives to the service."""
    root = Path(os.environ["TERP_CLOUD_ROOT"])
    server = wsgi.Server(
        ("127.0.0.1", State(root).ground.ports[service]),
        FaultyApplication(application, service, FaultRules(root)),
        numthreads=threads,
        max=threads,
        request_queue_size=256,
        timeout=60,
    )
    server.gateway = _Gateway
    server.keep_alive_conn_limit = 512
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.start()


def main() -> None:
    """Load the service's application and serve it."""
    service, module = sys.argv[1:3]
    sys.argv = [module, *sys.argv[3:]]  # the services read their options from here while they are loaded
    serve(importlib.import_module(module).application, service)


if __name__ == "__main__":
    main()
