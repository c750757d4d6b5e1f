"""Answers of an API server, as the rollout reads them."""

import http.server
import json
import threading
from collections.abc import Iterator

import pytest
import yaml

from terp.errors import TerpError
from terp.gitops.cluster import Cluster

ANSWERS: dict[str, object] = {
    "/version/": dict.fromkeys(
        ("buildDate", "compiler", "gitCommit", "gitTreeState", "goVersion", "major", "minor", "platform"), "1"
    )
    | {"gitVersion": "v1.36.3"},
    "/api/v1/namespaces": {"kind": "NamespaceList", "apiVersion": "v1", "metadata": {}, "items": []},
    "/api/v1": {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]},
    "/api/v1/namespaces/here/configmaps/one": {
        "metadata": {"name": "one"},
        "data": {"a": "1", "b": None},
        "list": [{"c": None}],
    },
}

AWAY: dict[str, int] = {}
"""How often a path is not answered at all."""


class Api(http.server.BaseHTTPRequestHandler):
    """Says what `ANSWERS` has, and refuses to be changed."""

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        if AWAY.get(self.path):
            AWAY[self.path] -= 1
            self.close_connection = True
            return
        found = ANSWERS.get(self.path.partition("?")[0])
        self._answer(200 if found else 404, json.dumps(found) if found else "404 page not found")

    def do_PATCH(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        refusal = {"kind": "Status", "reason": "Invalid", "message": "data.a: must be text"}
        self._answer(422, json.dumps(refusal))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = {"cluster": "c", "user": "u"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": here}],
            "current-context": "x",
        }
        with Cluster(yaml.safe_dump(config)) as found:
            yield found
        server.shutdown()


def manifest(version: str = "v1", kind: str = "ConfigMap") -> dict[str, object]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "one"}}


def test_what_is_null_is_not_there(cluster: Cluster):
    found = cluster.read("v1", "ConfigMap", "one", "here")
    assert found == {"metadata": {"name": "one"}, "data": {"a": "1"}, "list": [{}]}


def test_what_is_not_there_and_what_has_no_kind_is_none(cluster: Cluster):
    assert cluster.read("v1", "ConfigMap", "two", "here") is None
    assert cluster.read("example.org/v1", "Nothing", "one", "here") is None
    assert cluster.listed("example.org/v1", "Nothing") == []


def test_what_has_a_kind_that_is_to_come_is_left_out_and_named(cluster: Cluster):
    assert cluster.apply([manifest("example.org/v1", "Nothing")], "here") == ["Nothing one"]


def test_what_the_api_refuses_is_told_in_its_words(cluster: Cluster):
    with pytest.raises(TerpError, match=r"ConfigMap one: the API refuses it: data\.a: must be text"):
        cluster.apply([manifest()], "here")


def test_an_api_that_is_away_for_a_moment_is_asked_again(cluster: Cluster):
    AWAY["/api/v1/namespaces/here/configmaps/one"] = 2
    assert cluster.read("v1", "ConfigMap", "one", "here")
    assert AWAY["/api/v1/namespaces/here/configmaps/one"] == 0
