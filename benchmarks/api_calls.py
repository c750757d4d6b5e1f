"""Counts the calls that a client makes: a reverse proxy in front of the APIs of an embedded cloud.

Services call each other behind it, so only the client's own calls count. It makes each call slower: whoever
counts does not measure time.
"""

import http.client
import threading
from collections import Counter
from collections.abc import Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

LOOPBACK = "127.0.0.1"
TIME_LIMIT = 120.0
"""Seconds that the cloud may take for one call."""
HOP = ("connection", "content-length", "keep-alive", "transfer-encoding")
"""Headers that are about one connection, in lower case."""


class ApiCalls:
    """Counts calls by service while it is open. `ports` are those of the services, by name."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ports = ports
        self._servers = {
            service: ThreadingHTTPServer((LOOPBACK, 0), partial(_Handler, self, service)) for service in ports
        }

    def __enter__(self) -> Self:
        for server in self._servers.values():
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def redirected(self, text: str) -> str:
        """The text, with the services' addresses replaced by the proxy's."""
        for service, port in self._ports.items():
            text = text.replace(f"{LOOPBACK}:{port}", f"{LOOPBACK}:{self._servers[service].server_port}")
        return text

    def count(self, service: str) -> None:
        """One more call."""
        with self._lock:
            self.counts[service] += 1

    def upstream(self, service: str) -> http.client.HTTPConnection:
        """A connection to the service itself."""
        return http.client.HTTPConnection(LOOPBACK, self._ports[service], timeout=TIME_LIMIT)


class _Handler(BaseHTTPRequestHandler):
    """One connection of the client, and the one to the service that belongs to it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, calls: ApiCalls, service: str, *connection: object) -> None:
        self._calls = calls
        self._service = service
        self._upstream = calls.upstream(service)
        super().__init__(*connection)  # type: ignore[arg-type]

    def _forward(self) -> None:
        self._calls.count(self._service)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key: value for key, value in self.headers.items() if key.lower() not in HOP}
        self._upstream.request(self.command, self.path, body or None, headers)
        answer = self._upstream.getresponse()
        content = self._calls.redirected(answer.read().decode()).encode()
        self.send_response_only(answer.status, answer.reason)
        for key, value in answer.getheaders():
            if key.lower() not in HOP:
                self.send_header(key, self._calls.redirected(value))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _forward  # noqa: N815 - http.server's names

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
