"""Images that are assembled without a container engine."""

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from terp.kubernetes.embedded.image import write_image


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program"
    file.write_bytes(b"#!/bin/sh\n")
    return file


def write(target: Path, program: Path) -> str:
    return write_image(
        target,
        "registry.example/tool:1.0",
        {"/usr/local/bin/tool": program, "/lib/x/libtool.so": program},
        machine="x86_64",
        entrypoint=("tool",),
    )


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
    with tarfile.open(tmp_path / "tool.tar") as archive:
        (entry,) = json.load(archive.extractfile("manifest.json"))
        with tarfile.open(fileobj=archive.extractfile(entry["Layers"][0])) as layer:
            found = {each.name: each for each in layer.getmembers()}
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
    one = write_image(tmp_path / "one.tar", "a:1", {"/a": link}, machine="aarch64")
    two = write_image(tmp_path / "two.tar", "a:1", {"/a": program}, machine="aarch64")
    assert one == two


def test_nothing_but_the_archive_is_left(tmp_path: Path, program: Path) -> None:
    write(tmp_path / "tool.tar", program)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["program", "tool.tar"]
