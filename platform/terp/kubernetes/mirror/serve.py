"""A mirror's folder over HTTP, for the sandbox and for tests: read-only, and nothing beside the folder.

Another server needs one rule beyond serving files: the media type of manifests (docs/mirror.md).
"""

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from terp.errors import TerpError
from terp.kubernetes.mirror.layout import MANIFEST

BLOB = "application/octet-stream"
IDLE = 60
"""Seconds that a connection may say nothing."""


def media_type(path: str) -> str:
    """Of what a mirror has at a path."""
    return MANIFEST if path.startswith("/v2/") and "/manifests/" in path else BLOB


class Handler(SimpleHTTPRequestHandler):
    """Answers GET and HEAD."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE

    def guess_type(self, path: object) -> str:
        """By where it is, not by how its name ends."""
        return media_type(unquote(urlsplit(self.path).path))

    def list_directory(self, path: object) -> None:
        """The registry says that it is one; folders are not shown."""
        if urlsplit(self.path).path.rstrip("/") == "/v2":
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Nothing: nodes say themselves what they could not get."""


def serve(root: Path, address: str, port: int) -> ThreadingHTTPServer:
    """A server that is bound and waits for its `serve_forever`.

    Raises:
        TerpError: the address is not this machine's, or the port is taken.
    """
    try:
        return ThreadingHTTPServer((address, port), partial(Handler, directory=str(root)))
    except OSError as error:
        raise TerpError(f"nothing can be served at {address}:{port}: {error.strerror}") from error
