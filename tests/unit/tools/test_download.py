"""Release files: pinned, verified, from the mirror or upstream, and refusals that cost no time."""

import socket
from pathlib import Path

import pytest

from terp.progress import Progress
from terp.tools.download import Downloads, RefusedError, unpack
from terp.tools.versions import Download, Tool, this_platform

from .conftest import Site, archive


def wanted(tool: Tool) -> Download:
    found = tool.download(this_platform())
    assert found
    return found


@pytest.fixture
def downloads(cache: Path) -> Downloads:
    return Downloads(cache / "downloads")


def test_a_file_is_fetched_once(site: Site, downloads: Downloads, progress: Progress) -> None:
    tool = site.release()
    with progress.task("download") as task:
        one, other = downloads.fetch(wanted(tool), task), downloads.fetch(wanted(tool), task)
    assert one == other
    assert site.asked == ["/releases/hello-v1.0.tar.gz"]


def test_a_harmed_file_in_the_cache_is_fetched_again(
    site: Site, downloads: Downloads, progress: Progress
) -> None:
    tool = site.release()
    with progress.task("download") as task:
        downloads.fetch(wanted(tool), task).write_bytes(b"harmed")
        file = downloads.fetch(wanted(tool), task)
    assert file.read_bytes() == site.files["/releases/hello-v1.0.tar.gz"]


def test_a_file_with_another_checksum_is_thrown_away(
    site: Site, downloads: Downloads, progress: Progress, cache: Path
) -> None:
    tool = site.release()
    site.files["/releases/hello-v1.0.tar.gz"] = archive(hello=b"something else")
    with progress.task("download") as task, pytest.raises(RefusedError, match=r"sha256 .* thrown away"):
        downloads.fetch(wanted(tool), task)
    assert list((cache / "downloads").iterdir()) == []


def test_a_file_that_is_cut_short_never_counts(
    site: Site, downloads: Downloads, progress: Progress, cache: Path
) -> None:
    tool = site.release()
    site.cut_short = True
    with progress.task("download") as task, pytest.raises(RefusedError, match="peer closed connection"):
        downloads.fetch(wanted(tool), task)
    assert list((cache / "downloads").iterdir()) == []


def test_a_missing_file_leaves_the_host_usable(site: Site, downloads: Downloads, progress: Progress) -> None:
    there, absent = site.release("there"), site.release("absent")
    del site.files["/releases/absent-v1.0.tar.gz"]
    with progress.task("download") as task:
        with pytest.raises(RefusedError, match="404 Not Found"):
            downloads.fetch(wanted(absent), task)
        assert downloads.fetch(wanted(there), task).exists()


def test_a_host_that_forbids_everything_is_asked_once(
    site: Site, downloads: Downloads, progress: Progress
) -> None:
    site.otherwise = 403
    tools = [site.release("one"), site.release("two")]
    site.files.clear()
    with progress.task("download") as task:
        for tool in tools:
            with pytest.raises(RefusedError, match="answers 403"):
                downloads.fetch(wanted(tool), task)
    assert len(site.asked) == 1


def test_a_host_that_refuses_connections_is_not_tried_again(downloads: Downloads, progress: Progress) -> None:
    with socket.socket() as listener, progress.task("download") as task:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/hello"
        pin = Download(name="hello", url=url, sha256="a" * 64, files=())
        with pytest.raises(RefusedError, match="cannot be reached"):
            downloads.fetch(pin, task)
        listener.listen()
        listener.settimeout(0)
        with pytest.raises(RefusedError, match="cannot be reached"):
            downloads.fetch(pin, task)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_host_that_swallows_connections_is_given_up(
    downloads: Downloads, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("terp.tools.download.CONNECT", 0.1)
    with socket.socket() as silent, socket.socket() as occupant, progress.task("download") as task:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        occupant.connect(silent.getsockname())  # the only place in its queue
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/hello"
        with pytest.raises(RefusedError, match="cannot be reached"):
            downloads.fetch(Download(name="hello", url=url, sha256="a" * 64, files=()), task)


def test_the_mirror_of_a_site_goes_before_upstream(
    site: Site, cache: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = archive(hello=b"hello")
    tool = site.release(content=b"hello")
    mirrored = f"/mirror/{site.url.partition('//')[2]}/releases/hello-v1.0.tar.gz"
    site.files = {mirrored: packed}
    monkeypatch.setenv("TERP_TOOLS_MIRROR", f"{site.url}/mirror/")
    with progress.task("download") as task:
        Downloads(cache / "downloads").fetch(wanted(tool), task)
    assert site.asked == [mirrored]


def test_a_mirror_with_another_file_is_passed_over(
    site: Site, cache: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = site.release()
    site.files[f"/mirror/{site.url.partition('//')[2]}/releases/hello-v1.0.tar.gz"] = b"something else"
    monkeypatch.setenv("TERP_TOOLS_MIRROR", f"{site.url}/mirror")
    with progress.task("download") as task:
        assert Downloads(cache / "downloads").fetch(wanted(tool), task).exists()
    assert len(site.asked) == 2


def test_only_the_named_files_come_out_of_an_archive(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.write_bytes(archive(hello=b"hello", other=b"other"))
    pin = Download(name="hello", url="https://example.org/h.tar.gz", sha256="a" * 64, files=("hello/hello",))
    into = tmp_path / "into"
    into.mkdir()
    unpack(packed, pin, into)
    assert {each.name: each.read_bytes() for each in into.iterdir()} == {"hello": b"hello"}


def test_an_archive_without_the_file_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.write_bytes(archive(other=b"other"))
    pin = Download(name="hello", url="https://example.org/h.tar.gz", sha256="a" * 64, files=("hello/hello",))
    with pytest.raises(RefusedError, match="no usable file hello/hello"):
        unpack(packed, pin, tmp_path)


def test_a_plain_file_is_the_program_itself(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"program")
    pin = Download(name="hello", url="https://example.org/hello", sha256="a" * 64, files=())
    unpack(plain, pin, tmp_path)
    assert (tmp_path / "hello").read_bytes() == b"program"
