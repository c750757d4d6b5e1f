"""A mirror without upstream: small programs are built from Go modules, and a client reads what is served."""

import hashlib
import io
import platform
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from terp.kubernetes.embedded.image import Image, Start, write_image
from terp.kubernetes.kubespray.downloads import Downloads, File
from terp.kubernetes.mirror.checksums import own_checksums
from terp.kubernetes.mirror.layout import MANIFEST, ImageName
from terp.kubernetes.mirror.mirror import ARCHITECTURES, Builds, Mirror, Report
from terp.kubernetes.mirror.recipes import CNI, RECIPES, versions
from terp.kubernetes.mirror.serve import serve
from terp.kubernetes.mirror.upstream import Upstream
from terp.paths import cache_dir
from terp.progress import Progress, Task, progress_for
from terp.tools import Toolchain, sync
from terp.tools.download import RefusedError
from terp.tools.versions import read_versions

MACHINE = platform.machine()
TOOLS = ("cni-plugins", "pause")
PINNED = versions(read_versions().tools)
PAUSE = ImageName("registry.k8s.io", "pause", PINNED["pause"])
URL = f"https://{RECIPES['cni'].at(PINNED['cni-plugins'], ARCHITECTURES[MACHINE])}"
WANTED = Downloads(entries={}, files=(File(name="cni", url=URL),), images=(str(PAUSE),), charts=())


class Unreachable(Upstream):
    """Everything that is published, on a machine that reaches none of it."""

    def image(self, name: ImageName, images: object, task: Task) -> None:
        raise RefusedError(f"{name.registry} cannot be reached")


@pytest.fixture(scope="module")
def story() -> Iterator[Progress]:
    with progress_for(Console(stderr=True), cache_dir() / "timings.json", as_json=False) as story:
        yield story


@pytest.fixture(scope="module")
def toolchain(story: Progress) -> Toolchain:
    return sync(TOOLS, story)


@pytest.fixture(scope="module")
def filled(
    toolchain: Toolchain, story: Progress, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Report, ...]:
    """The reports of two runs."""
    folder = tmp_path_factory.mktemp("mirror")
    archives = folder / "archives"
    archives.mkdir()
    write_image(
        archives / f"pause-{PAUSE.tag}.tar",
        Image(str(PAUSE), {"/pause": toolchain.path("pause")}, start=Start(("/pause",))),
        MACHINE,
    )
    nowhere = Unreachable(folder / "scratch", ARCHITECTURES[MACHINE])
    builds = Builds(PINNED, lambda: toolchain, lambda: archives)
    mirror = Mirror(folder / "mirror", MACHINE, builds, story, nowhere)
    return mirror.fill(WANTED), mirror.fill(WANTED)


@pytest.fixture(scope="module")
def client(filled: tuple[Report, ...]) -> Iterator[httpx.Client]:
    with serve(filled[0].folder, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        origin = f"http://127.0.0.1:{server.server_address[1]}"
        with httpx.Client(base_url=origin, trust_env=False, timeout=30) as client:
            yield client
        server.shutdown()
        thread.join(10)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_everything_is_built_once(filled: tuple[Report, ...]):
    for report in filled:
        assert [entry.source for entry in report.entries] == ["own", "own"]


def test_a_client_reads_an_image_from_its_name_to_its_last_byte(client: httpx.Client, toolchain: Toolchain):
    path = f"/v2/{PAUSE.path}/manifests/{PAUSE.tag}?ns={PAUSE.registry}"
    assert client.head(path).headers["content-type"] == MANIFEST
    answer = client.get(path)
    manifest = answer.json()
    assert client.get(f"/v2/{PAUSE.path}/manifests/{digest(answer.content)}").content == answer.content
    contents = []
    for blob in (manifest["config"], *manifest["layers"]):
        content = client.get(f"/v2/{PAUSE.path}/blobs/{blob['digest']}").content
        assert (digest(content), len(content)) == (blob["digest"], blob["size"])
        contents.append(content)
    with tarfile.open(fileobj=io.BytesIO(contents[-1])) as layer:
        program = layer.extractfile("pause")
        assert program is not None
        assert program.read() == toolchain.path("pause").read_bytes()


def test_a_run_gets_a_file_with_the_checksum_that_the_mirror_tells(client: httpx.Client, tmp_path: Path):
    origin = str(client.base_url).rstrip("/")
    ((url, sha256),) = own_checksums(origin).items()
    assert url == f"{origin}/{URL.removeprefix('https://')}"
    content = client.get(url).content
    assert digest(content) == f"sha256:{sha256}"
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert set(archive.getnames()) == set(CNI)
        archive.extractall(tmp_path, filter="data")
    assert all((tmp_path / name).stat().st_mode & 0o111 for name in CNI)
