from pathlib import Path

import pytest

from terp.cloud.packages import _settle, libraries, tool
from terp.errors import TerpError


def program(root: Path, name: str) -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\necho $LD_LIBRARY_PATH\n")
    file.chmod(0o755)
    return file


def test_an_unpacked_program_finds_its_own_libraries(tmp_path: Path) -> None:
    program(tmp_path, "usr/sbin/nft")
    (tmp_path / "usr/lib/x86_64-linux-gnu").mkdir(parents=True)
    folder = tmp_path / "usr/lib/x86_64-linux-gnu"
    assert tool(tmp_path, "nft").output() == f"{folder}:{folder}/systemd"
    assert libraries(tmp_path)["LD_LIBRARY_PATH"] == f"{folder}:{folder}/systemd"


def test_what_was_not_unpacked_is_the_machines_own(tmp_path: Path) -> None:
    command = tool(tmp_path, "sh")
    assert command.argv[0].endswith("/sh")
    assert command.env == {}
    with pytest.raises(TerpError, match="no-such-program"):
        tool(tmp_path, "no-such-program")


def test_unpacked_files_run_as_nobody_else_and_link_only_into_the_root(tmp_path: Path) -> None:
    suid = program(tmp_path, "usr/bin/mount")
    suid.chmod(0o4755)
    program(tmp_path, "usr/bin/kmod")
    link = tmp_path / "usr/sbin/depmod"
    link.parent.mkdir()
    link.symlink_to("/usr/bin/kmod")
    outside = tmp_path / "usr/bin/other"
    outside.symlink_to("/no/such/file")
    _settle(tmp_path)
    assert suid.stat().st_mode & 0o7777 == 0o755
    assert str(link.readlink()) == "../bin/kmod"
    assert str(outside.readlink()) == "/no/such/file"
