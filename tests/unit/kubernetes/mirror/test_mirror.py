"""What is fetched, built or brought, and what is said of what is missing."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import yaml

from terp.errors import TerpError
from terp.kubernetes.embedded.image import Image, write_image
from terp.kubernetes.kubespray.downloads import Chart, Downloads, File
from terp.kubernetes.mirror.checksums import with_own
from terp.kubernetes.mirror.layout import MANIFEST, ImageName, read_sums
from terp.kubernetes.mirror.mirror import Builds, Mirror, Report, check_places
from terp.kubernetes.mirror.recipes import versions
from terp.progress import Event, Progress, Timings
from terp.tools import Toolchain
from terp.tools.versions import read_versions

VERSION = next(tool.version for tool in read_versions().tools if tool.name == "cni-plugins")
CNI = (
    f"https://github.com/containernetworking/plugins/releases/download/v{VERSION}"
    f"/cni-plugins-linux-amd64-v{VERSION}.tgz"
)
KUBELET = "https://dl.k8s.io/release/v1.35.4/bin/linux/amd64/kubelet"
PAUSE = "registry.k8s.io/pause:3.9"
CONTENT = b"upstream's own bytes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Silent:
    every = 60.0

    def show(self, event: Event) -> None:
        pass

    def close(self) -> None:
        pass


class Programs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.tools = read_versions().select(["embedded"])

    def path(self, program: str) -> Path:
        file = self._folder / program
        file.write_text(program)
        return file


Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """What every host of the internet answers."""
    real = httpx.Client

    def set_answers(answer: Answer) -> None:
        transport = httpx.MockTransport(answer)
        monkeypatch.setattr(httpx, "Client", lambda **given: real(**given, transport=transport))

    return set_answers


def served(content: bytes) -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(content))


def nobody(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route", request=request)


def downloads(*files: File, images: tuple[str, ...] = (), charts: tuple[Chart, ...] = ()) -> Downloads:
    return Downloads(entries={}, files=files, images=images, charts=charts)


def fill(tmp_path: Path, wanted: Downloads, *archives: Path) -> Report:
    def toolchain() -> Toolchain:
        return Programs(tmp_path)  # type: ignore[return-value]

    def images() -> Path:
        raise AssertionError("no image is built")

    progress = Progress(Silent(), Timings(tmp_path / "timings.json"))
    mirror = Mirror(
        tmp_path / "mirror",
        "x86_64",
        Builds(versions(read_versions().select(["embedded"])), toolchain, images),
        progress,
    )
    return mirror.fill(wanted, archives)


def test_a_file_is_fetched_once_and_checked_against_the_releases_checksum(
    tmp_path: Path, answers: Callable[[Answer], None]
):
    asked: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return served(CONTENT)

    answers(serve)
    wanted = downloads(File(name="kubelet", url=KUBELET, checksum=f"sha256:{SHA256}"))
    for _ in range(2):
        report = fill(tmp_path, wanted)
        assert [entry.source for entry in report.entries] == ["upstream"]
    assert asked == [KUBELET]
    place = tmp_path / "mirror" / "dl.k8s.io/release/v1.35.4/bin/linux/amd64/kubelet"
    assert place.read_bytes() == CONTENT
    assert (tmp_path / "mirror" / "own.sha256").read_text() == ""


def test_other_bytes_than_the_releases_are_thrown_away(tmp_path: Path, answers: Callable[[Answer], None]):
    answers(lambda _: served(b"something else"))
    report = fill(tmp_path, downloads(File(name="kubelet", url=KUBELET, checksum=f"sha256:{SHA256}")))
    (entry,) = report.of("missing")
    assert "thrown away" in entry.why
    assert not (tmp_path / "mirror" / entry.place).exists()


def test_what_upstream_refuses_is_built_and_listed_as_ones_own(
    tmp_path: Path, answers: Callable[[Answer], None]
):
    answers(nobody)
    report = fill(tmp_path, downloads(File(name="cni", url=CNI, checksum=f"sha256:{SHA256}")))
    (entry,) = report.of("own")
    built = (tmp_path / "mirror" / entry.place).read_bytes()
    sums = read_sums((tmp_path / "mirror" / "own.sha256").read_text())
    assert sums == {entry.place: hashlib.sha256(built).hexdigest()}


def test_nothing_is_built_while_something_is_missing_and_the_reason_is_said(
    tmp_path: Path, answers: Callable[[Answer], None]
):
    answers(nobody)
    kubelet = File(name="kubelet", url=KUBELET, checksum=f"sha256:{SHA256}")
    report = fill(tmp_path, downloads(kubelet, File(name="cni", url=CNI)))
    assert [entry.name for entry in report.of("unbuilt")] == ["cni"]
    (entry,) = report.of("missing")
    assert "dl.k8s.io cannot be reached" in entry.why
    assert "kube_version would take it" in entry.why


def test_what_somebody_puts_into_its_place_counts_and_is_ones_own(
    tmp_path: Path, answers: Callable[[Answer], None]
):
    answers(nobody)
    place = tmp_path / "mirror" / "dl.k8s.io/release/v1.35.4/bin/linux/amd64/kubelet"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"brought")
    report = fill(tmp_path, downloads(File(name="kubelet", url=KUBELET, checksum=f"sha256:{SHA256}")))
    assert [entry.source for entry in report.entries] == ["own"]
    assert list(read_sums((tmp_path / "mirror" / "own.sha256").read_text())) == [report.entries[0].place]


def test_an_archive_of_images_becomes_a_registry(tmp_path: Path, answers: Callable[[Answer], None]):
    answers(nobody)
    program = tmp_path / "pause"
    program.write_text("#!/bin/true")
    write_image(tmp_path / "pause.tar", Image(PAUSE, {"/pause": program}), "x86_64")
    report = fill(tmp_path, downloads(images=(PAUSE,)), tmp_path / "pause.tar")
    assert [entry.source for entry in report.entries] == ["own"]
    root, name = tmp_path / "mirror", ImageName.read(PAUSE)
    text = (root / name.manifest).read_bytes()
    assert (root / name.by_reference(f"sha256:{hashlib.sha256(text).hexdigest()}")).read_bytes() == text
    manifest = json.loads(text)
    for blob in (manifest["config"], *manifest["layers"]):
        content = (root / name.blob(blob["digest"])).read_bytes()
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == blob["digest"]
        assert len(content) == blob["size"]


def test_an_image_is_fetched_for_one_platform_with_the_token_that_its_registry_asks_for(
    tmp_path: Path, answers: Callable[[Answer], None]
):
    blob = json.dumps({"os": "linux"}).encode()
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    config = {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "digest": digest,
        "size": len(blob),
    }
    inner = json.dumps({"schemaVersion": 2, "mediaType": docker, "config": config, "layers": []}).encode()
    inner_digest = f"sha256:{hashlib.sha256(inner).hexdigest()}"
    index = {
        "manifests": [
            {"digest": "sha256:0", "platform": {"os": "linux", "architecture": "arm64"}},
            {"digest": inner_digest, "platform": {"os": "linux", "architecture": "amd64"}},
        ]
    }

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.host == "auth.example.org":
            assert request.url.params["scope"] == "repository:pause:pull"
            return httpx.Response(200, json={"token": "t"})
        if request.headers.get("authorization") != "Bearer t":
            asks = 'Bearer realm="https://auth.example.org/token",service="r",scope="repository:pause:pull"'
            return httpx.Response(401, headers={"WWW-Authenticate": asks})
        if request.url.path.endswith("/manifests/3.9"):
            return httpx.Response(200, json=index)
        return served(inner if "manifests" in request.url.path else blob)

    answers(serve)
    for _ in range(2):
        report = fill(tmp_path, downloads(images=(PAUSE,)))
        assert [entry.source for entry in report.entries] == ["upstream"]
        answers(nobody)  # it is there
    manifest = json.loads((tmp_path / "mirror" / "v2/pause/manifests/3.9").read_bytes())
    assert manifest["mediaType"] == MANIFEST
    assert manifest["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"


def test_a_chart_is_fetched_with_an_index_of_its_own(tmp_path: Path, answers: Callable[[Answer], None]):
    chart = Chart(name="cilium", version="1.19.3", repository="https://helm.cilium.io")
    entry = {"version": "1.19.3", "digest": SHA256, "urls": ["cilium-1.19.3.tgz"]}
    index = yaml.safe_dump({"entries": {"cilium": [{"version": "2.0.0"}, entry]}})

    def serve(request: httpx.Request) -> httpx.Response:
        return served(index.encode() if "index" in request.url.path else CONTENT)

    answers(serve)
    for _ in range(2):
        report = fill(tmp_path, downloads(charts=(chart,)))
        assert [each.source for each in report.entries] == ["upstream"]
        answers(nobody)
    written = yaml.safe_load((tmp_path / "mirror" / "helm.cilium.io" / "index.yaml").read_text())
    assert [each["version"] for each in written["entries"]["cilium"]] == ["1.19.3"]


def test_images_of_two_registries_in_one_place_are_refused():
    names = [ImageName.read(f"{each}/library/nginx:1") for each in ("docker.io", "quay.io")]
    with pytest.raises(TerpError, match="one place"):
        check_places(names)


def test_a_run_takes_the_checksums_of_ones_own_files_alone():
    entries = {
        "kubelet": {"url": "http://mirror/dl.k8s.io/kubelet", "checksum": "sha256:upstream"},
        "runc": {"url": "http://mirror/github.com/runc", "checksum": "sha256:upstream"},
        "pause": {"container": True},
    }
    own = {"http://mirror/github.com/runc": "0" * 64}
    changed = with_own(entries, own)  # type: ignore[arg-type]
    assert changed == {**entries, "runc": {**entries["runc"], "checksum": f"sha256:{'0' * 64}"}}
