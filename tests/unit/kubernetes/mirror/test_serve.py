"""A mirror is served read-only, with the media type that containerd needs, and without what is beside it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from terp.errors import TerpError
from terp.kubernetes.mirror.checksums import own_checksums
from terp.kubernetes.mirror.layout import MANIFEST
from terp.kubernetes.mirror.serve import serve


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[str]:
    root = tmp_path / "mirror"
    for name, text in {
        "v2/coredns/coredns/manifests/v1.14.2": "{}",
        "v2/coredns/coredns/blobs/sha256:00": "blob",
        "dl.k8s.io/kubelet": "kubelet",
        "own.sha256": f"{'0' * 64}  dl.k8s.io/kubelet\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (tmp_path / "beside").write_text("not for nodes")
    with serve(root, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(5)


@pytest.fixture
def client(origin: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=origin, trust_env=False, timeout=10) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_manifest_says_that_it_is_one(client: httpx.Client, method: str):
    answer = client.request(method, "/v2/coredns/coredns/manifests/v1.14.2?ns=registry.k8s.io")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MANIFEST
    assert answer.headers["content-length"] == "2"


def test_blobs_and_files_are_bytes(client: httpx.Client):
    for path in ("/v2/coredns/coredns/blobs/sha256:00", "/dl.k8s.io/kubelet"):
        assert client.get(path).headers["content-type"] == "application/octet-stream"
    assert client.get("/v2/coredns/coredns/blobs/sha256:00").text == "blob"


def test_a_registry_answers_at_its_root_and_folders_are_not_shown(client: httpx.Client):
    assert client.get("/v2/").status_code == 200
    assert client.get("/dl.k8s.io/").status_code == 404
    assert client.get("/v2/nowhere/manifests/1").status_code == 404


def test_nothing_beside_the_folder_is_served(client: httpx.Client):
    assert client.get("/..%2fbeside").status_code == 404
    assert client.get("/%2e%2e/beside").status_code == 404


def test_nothing_is_written(client: httpx.Client):
    assert client.put("/dl.k8s.io/kubelet", content=b"x").status_code == 501


def test_a_run_learns_what_is_not_upstreams(origin: str):
    assert own_checksums(origin) == {f"{origin}/dl.k8s.io/kubelet": "0" * 64}


def test_a_mirror_that_does_not_answer_is_said_so():
    with pytest.raises(TerpError, match="cannot be asked"):
        own_checksums("http://127.0.0.1:1")


def test_an_address_that_is_taken_or_not_ours_is_said_so(tmp_path: Path):
    with pytest.raises(TerpError, match=r"nothing can be served at 192\.0\.2\.123:80"):
        serve(tmp_path, "192.0.2.123", 80)
