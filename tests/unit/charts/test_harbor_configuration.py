"""The program of `charts/harbor-configuration`, as far as it tells Harbor where its audit log goes.

Harbor here is a server that refuses an endpoint as v2.15 does: it answers 400 and keeps it all the same.
"""

import json
import runpy
import threading
import urllib.error
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[3] / "charts" / "harbor-configuration" / "files" / "configure.py"
LISTENS = "alloy.alloy.svc:1514"


class Fake(BaseHTTPRequestHandler):
    """Its configuration."""

    kept: dict[str, str]
    status: int

    def do_PUT(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.kept.update(told)
        self.send_response(self.status if told["audit_log_forward_endpoint"] else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the library)
        """Quiet."""


@pytest.fixture
def harbor() -> Iterator[ThreadingHTTPServer]:
    Fake.kept = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Fake) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def told(server: ThreadingHTTPServer, status: int) -> str:
    """What Harbor keeps as the endpoint, when it answers so."""
    Fake.status = status
    program: dict[str, Any] = runpy.run_path(str(PROGRAM), run_name="loaded")
    program["audit"](program["Harbor"](f"http://127.0.0.1:{server.server_port}", "canary"), LISTENS)
    return Fake.kept["audit_log_forward_endpoint"]


def test_the_audit_log_goes_to_who_takes_it(harbor: ThreadingHTTPServer):
    assert told(harbor, 200) == LISTENS


def test_an_endpoint_that_does_not_answer_is_taken_back(harbor: ThreadingHTTPServer):
    assert told(harbor, 400) == ""


def test_any_other_refusal_is_told(harbor: ThreadingHTTPServer):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        told(harbor, 403)
