"""Serves a folder over HTTP on loopback: its files, and by git's own program its repositories. Nobody writes.

`python -m terp.cloud.services.sources <folder> <port>`
"""

import os
import subprocess
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GIT = ("/info/refs", "/git-upload-pack")


def server_of(folder: Path, port: int) -> ThreadingHTTPServer:
    """The server of a folder; any free port for 0."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(folder)))


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        if self.path.partition("?")[0].endswith(GIT):
            self._git(b"")
        else:
            super().do_GET()

    def do_POST(self) -> None:
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        self._git(self._chunks() if chunked else self.rfile.read(int(self.headers["Content-Length"])))

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _git(self, body: bytes) -> None:
        """By the Common Gateway Interface (git-http-backend(1))."""
        path, _, query = self.path.partition("?")
        asked = {
            "GIT_PROJECT_ROOT": self.directory,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
        }
        command = ("git", "http-backend")
        done = subprocess.run(
            command, input=body, env={**os.environ, **asked}, capture_output=True, timeout=60, check=True
        )
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", str(HTTPStatus.OK.value)).split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


if __name__ == "__main__":
    with server_of(Path(sys.argv[1]), int(sys.argv[2])) as own:
        own.serve_forever()
