"""A site that serves release files over HTTP on this machine, and a cache of the test's own."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from terp.progress import Event, Progress, Timings
from terp.tools.versions import Tool, Versions, read_versions, this_platform


def archive(**files: bytes) -> bytes:
    """A .tar.gz with executable files in a folder `hello`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"hello/{name}")
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


class Site:
    """What it serves by path, what it was asked for, and how it answers everything else."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.otherwise = 404
        self.cut_short = False
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                content = site.files.get(self.path)
                self.send_response(site.otherwise if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write((content or b"")[: 10 if site.cut_short else None])

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def release(
        self, name: str = "hello", content: bytes = b"#!/bin/sh\necho hello\n", **more: object
    ) -> Tool:
        """A tool of version 1.0 that the site serves."""
        packed = archive(**{name: content})
        path = f"/releases/{name}-v1.0.tar.gz"
        self.files[path] = packed
        pin = {
            "url": f"{self.url}/releases/{{name}}-v{{version}}.tar.gz",
            "archives": {this_platform(): {"sha256": hashlib.sha256(packed).hexdigest()}},
            "files": [f"hello/{name}"],
        }
        return Tool.model_validate({"name": name, "version": "1.0", "release": pin, **more})


@pytest.fixture
def site() -> Iterator[Site]:
    served = Site()
    thread = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield served
    served.server.shutdown()
    thread.join(10)
    served.server.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and no mirror or proxy of the machine's."""
    monkeypatch.setenv("TERP_CACHE", str(tmp_path / "cache"))
    for name in ("TERP_TOOLS_MIRROR", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


class Heard:
    """A sink that keeps what it is shown."""

    every = 60.0

    def __init__(self) -> None:
        self.events: list[Event] = []

    def show(self, event: Event) -> None:
        self.events.append(event)

    def close(self) -> None:
        pass

    def ends(self) -> dict[str, tuple[str, str]]:
        """How each task ended, and what was said then."""
        return {
            each.task: (each.state, each.detail) for each in self.events if each.state in ("done", "failed")
        }


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def progress(heard: Heard, tmp_path: Path) -> Progress:
    return Progress(heard, Timings(tmp_path / "timings.json"))


def pins(*tools: Tool) -> Versions:
    """Pins of just these tools, all for the purpose `test`."""
    names = tuple(each.name for each in tools)
    return Versions(go=read_versions().go, tools=tools, purposes={"test": names}, default="test")
