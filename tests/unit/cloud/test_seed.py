"""What the cloud is filled with."""

from pathlib import Path

import pytest

from terp.cloud.seed import os_release

DEBIAN = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
VERSION_ID="12"
ID=debian
HOME_URL="https://www.debian.org/?a=b"
"""
UBUNTU = """\
PRETTY_NAME="Ubuntu 24.04.3 LTS"
VERSION_ID="24.04"
ID=ubuntu
ID_LIKE=debian
"""


@pytest.mark.parametrize(("text", "expected"), [(DEBIAN, ("debian", "12")), (UBUNTU, ("ubuntu", "24.04"))])
def test_an_image_tells_the_distribution_of_the_tree_that_servers_start_from(
    tmp_path: Path, text: str, expected: tuple[str, str]
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text(text)
    release = os_release(tmp_path)
    assert (release["ID"], release["VERSION_ID"]) == expected


def test_servers_that_are_records_are_said_to_run_something() -> None:
    assert os_release(None)["ID"] == "debian"
