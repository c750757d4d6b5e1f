from pathlib import Path

import pytest

from terp.cloud.distribution import Source, essential, of_release, read_sources, stanzas

DEB822 = """\
# the release
Types: deb deb-src
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://vendor.test/
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: http://off.test/
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://commented.test/ noble main
deb http://mirror.test/ubuntu noble main universe restricted # all of it
deb [arch=amd64 signed-by=/etc/key.gpg] http://mirror.test/ubuntu noble-security main
deb-src http://mirror.test/ubuntu noble main
"""


def read(folder: Path, name: str, text: str) -> list[Source]:
    file = folder / name
    file.write_text(text)
    return read_sources(file)


def test_both_forms_of_sources_are_read(tmp_path: Path) -> None:
    deb822 = read(tmp_path, "debian.sources", DEB822)
    assert [(each.uri, each.suite) for each in deb822] == [
        ("http://mirror.test/debian", "bookworm"),
        ("http://mirror.test/debian", "bookworm-updates"),
        ("http://vendor.test/", "nodistro"),
    ]
    assert deb822[0].signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg"
    one_line = read(tmp_path, "sources.list", ONE_LINE)
    assert [each.suite for each in one_line] == ["noble", "noble-security"]
    assert one_line[0].components == ("main", "universe", "restricted")
    assert one_line[1].signed_by == "/etc/key.gpg"


def test_only_the_release_itself_is_used_without_vendors_and_backports(tmp_path: Path) -> None:
    found = read(tmp_path, "debian.sources", DEB822)
    found += [
        Source(uri="http://vendor.test/", suite="bookworm", components=("stable",)),
        Source(uri="http://mirror.test/debian", suite="bookworm-backports", components=("main",)),
    ]
    kept = list(of_release(found, "bookworm"))
    assert [(each.suite, each.components) for each in kept] == [
        ("bookworm", ("main",)),
        ("bookworm-updates", ("main",)),
    ]


def test_a_key_written_out_in_a_source_goes_to_a_file(tmp_path: Path) -> None:
    text = "Types: deb\nURIs: http://m.test\nSuites: noble\nComponents: main\n"
    text += (
        "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----\n"
    )
    (source,) = read(tmp_path, "ubuntu.sources", text)
    line = source.line(tmp_path)
    key = tmp_path / "noble.asc"
    assert line == f"deb [signed-by={key}] http://m.test noble main"
    assert key.read_text().splitlines()[:3] == ["-----BEGIN PGP PUBLIC KEY BLOCK-----", "", "abc"]


STATUS = """\
Package: base-files
Essential: yes
Status: install ok installed
Pre-Depends: awk
Depends: libc6 (>= 2.36)

Package: mawk
Status: install ok installed
Provides: awk

Package: libc6
Status: install ok installed
Depends: libgcc-s1 | libgcc1

Package: libgcc-s1
Status: install ok installed
Description: more
 Package: not-a-package

Package: mariadb-server
Status: install ok installed
Depends: libc6

Package: gone
Essential: yes
Status: deinstall ok config-files
"""


def test_the_essential_part_has_what_it_depends_on_and_nothing_else() -> None:
    kept = [fields["package"] for block in essential(STATUS).split("\n\n") for fields in stanzas(block)]
    assert kept == ["base-files", "libc6", "libgcc-s1", "mawk"]


@pytest.mark.parametrize("status", ["", "\n\n"])
def test_an_empty_status_stays_empty(status: str) -> None:
    assert essential(status).strip() == ""
