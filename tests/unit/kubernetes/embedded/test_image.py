"""Images that are assembled without a container engine."""

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from terp.kubernetes.embedded.image import (
    Content,
    Folder,
    Image,
    Link,
    Start,
    images_of,
    write_image,
    write_images,
)
from terp.progress import Progress, Timings


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program"
    file.write_bytes(b"#!/bin/sh\n")
    return file


def write(target: Path, program: Path) -> str:
    contents = {"/usr/local/bin/tool": program, "/lib/x/libtool.so": program}
    image = Image("registry.example/tool:1.0", contents, start=Start(("tool",)))
    return write_image(target, image, "x86_64")


def layer_of(target: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(target) as archive:
        (entry,) = json.load(archive.extractfile("manifest.json"))
        with tarfile.open(fileobj=archive.extractfile(entry["Layers"][0])) as layer:
            return {each.name: each for each in layer.getmembers()}


def settings_of(target: Path) -> dict[str, object]:
    with tarfile.open(target) as archive:
        (entry,) = json.load(archive.extractfile("manifest.json"))
        return json.load(archive.extractfile(entry["Config"]))["config"]


def test_an_archive_says_its_name_and_how_it_starts(tmp_path: Path, program: Path) -> None:
    digest = write(tmp_path / "tool.tar", program)
    with tarfile.open(tmp_path / "tool.tar") as archive:
        (entry,) = json.load(archive.extractfile("manifest.json"))
        configuration = archive.extractfile(entry["Config"]).read()
        layer = archive.extractfile(entry["Layers"][0]).read()
    said = json.loads(configuration)
    assert entry["RepoTags"] == ["registry.example/tool:1.0"]
    assert hashlib.sha256(configuration).hexdigest() == digest
    assert said["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert (said["architecture"], said["config"]["Entrypoint"]) == ("amd64", ["tool"])
    assert said["config"]["Env"][0].startswith("PATH=/usr/local/sbin:/usr/local/bin:")


def test_a_layer_has_the_folders_of_its_files_and_a_tmp_that_all_may_write_to(
    tmp_path: Path, program: Path
) -> None:
    write(tmp_path / "tool.tar", program)
    found = layer_of(tmp_path / "tool.tar")
    assert list(found) == [
        "lib",
        "lib/x",
        "tmp",
        "usr",
        "usr/local",
        "usr/local/bin",
        "lib/x/libtool.so",
        "usr/local/bin/tool",
    ]
    assert found["tmp"].mode == 0o1777
    assert (found["usr/local/bin/tool"].mode, found["usr/local/bin/tool"].uid) == (0o755, 0)


def test_equal_contents_give_equal_bytes_whoever_made_them_and_when(tmp_path: Path, program: Path) -> None:
    write(tmp_path / "one.tar", program)
    os.utime(program, (1, 1))
    program.chmod(0o700)
    write(tmp_path / "two.tar", program)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_a_link_becomes_the_file_that_it_leads_to(tmp_path: Path, program: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(program)
    one = write_image(tmp_path / "one.tar", Image("a:1", {"/a": link}), "aarch64")
    two = write_image(tmp_path / "two.tar", Image("a:1", {"/a": program}), "aarch64")
    assert one == two


def test_links_texts_and_folders_of_somebody_are_kept(tmp_path: Path) -> None:
    contents: dict[str, Content] = {
        "/usr/bin/role": Link("tool"),
        "/etc/passwd": b"root:x:0:0::/:/bin/sh\n",
        "/home/user": Folder(999, 0o775),
    }
    write_image(tmp_path / "tool.tar", Image("a:1", contents), "x86_64")
    found = layer_of(tmp_path / "tool.tar")
    assert (found["usr/bin/role"].issym(), found["usr/bin/role"].linkname) == (True, "tool")
    assert found["etc/passwd"].size == len(contents["/etc/passwd"])
    home = found["home/user"]
    assert (home.isdir(), home.uid, home.gid, home.mode) == (True, 999, 999, 0o775)
    assert found["home"].uid == 0


def test_a_container_begins_as_its_user_in_its_folder(tmp_path: Path) -> None:
    start = Start(("tini", "--"), 999, "/home/user", {"LANG": "C"})
    write_image(tmp_path / "tool.tar", Image("a:1", {}, start=start), "x86_64")
    said = settings_of(tmp_path / "tool.tar")
    assert said["User"] == "999"
    assert said["WorkingDir"] == "/home/user"
    assert said["Env"][-1] == "LANG=C"


def test_an_image_that_says_nothing_of_a_user_has_no_such_setting(tmp_path: Path, program: Path) -> None:
    write(tmp_path / "tool.tar", program)
    assert settings_of(tmp_path / "tool.tar").keys() == {"Env", "Entrypoint"}


class Silent:
    every = 10.0

    def show(self, event: object) -> None: ...

    def close(self) -> None: ...


def test_a_folder_of_images_says_where_each_archive_is(tmp_path: Path, program: Path) -> None:
    image = Image("registry.example/team/tool:1.0", {"/tool": program}, "control-plane", part="cinder-csi")
    with Progress(Silent(), Timings(tmp_path / "timings.json")) as progress, progress.task("images") as task:
        write_images([image], tmp_path, task)
    (found,) = images_of(tmp_path)
    assert found["archive"] == str(tmp_path / "images" / "team-tool-1.0.tar")
    assert Path(found["archive"]).is_file()
    assert (found["name"], found["where"], found["part"]) == (image.name, "control-plane", "cinder-csi")


def test_nothing_but_the_archive_is_left(tmp_path: Path, program: Path) -> None:
    write(tmp_path / "tool.tar", program)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["program", "tool.tar"]
