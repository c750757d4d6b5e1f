"""Which file, which stack, and where the environment is in it."""

from pathlib import Path

import pytest

from terp.environment import InvalidEnvironmentError, check, read, stack_file
from terp.environment.stack_file import STACKS, stack_name
from terp.errors import TerpError

SMALL = """\
config:
  terp:environment:
    cloud: { name: internal }
    nodes:
      image: debian-12
      control_plane: { flavor: m1.large, schedulable: true }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for stack in ("sandbox", "staging", "production.example"):
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(SMALL)
    return tmp_path


def test_the_name_of_a_stack_is_in_the_name_of_its_file():
    assert stack_name(Path("stacks/Pulumi.prod.yaml")) == "prod"
    assert stack_name(Path("Pulumi.production.example.yaml")) == "production"
    assert stack_name(Path("small.yml")) == "small"


def test_a_stack_is_found_by_its_name_and_a_file_by_its_path(folder: Path):
    assert stack_file("sandbox") == STACKS / "Pulumi.sandbox.yaml"
    assert stack_file("staging", folder) == folder / "Pulumi.staging.yaml"
    assert stack_file("elsewhere/Pulumi.a.yaml", folder) == Path("elsewhere/Pulumi.a.yaml")


@pytest.mark.parametrize(
    ("stack", "hint"),
    [("stagin", 'did you mean "staging"?'), ("zzz", "possible: sandbox, staging")],
)
def test_a_stack_that_is_not_there_is_answered_with_those_that_are(folder: Path, stack: str, hint: str):
    for ask in (lambda: stack_file(stack, folder), lambda: read(folder / f"Pulumi.{stack}.yaml")):
        with pytest.raises(TerpError) as caught:
            ask()
        assert (caught.value.exit_code, caught.value.hint) == (2, hint)


def test_an_empty_folder_says_what_to_copy(tmp_path: Path):
    with pytest.raises(TerpError, match=r"there is no stack file"):
        read(tmp_path / "nowhere" / "Pulumi.a.yaml")


def test_other_keys_of_pulumi_are_its_own(tmp_path: Path):
    file = tmp_path / "Pulumi.a.yaml"
    file.write_text(
        f"secretsprovider: passphrase\nencryptionsalt: v1:x\n{SMALL}  other:key: 1\n  terp:later: [a]\n"
    )
    assert read(file).cloud.name == "internal"


def test_a_folder_is_no_file(tmp_path: Path):
    (tmp_path / "Pulumi.a.yaml").mkdir()
    with pytest.raises(TerpError) as caught:
        read(tmp_path / "Pulumi.a.yaml")
    assert caught.value.exit_code == 2


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path):
    file = tmp_path / "Pulumi.a.yaml"
    file.write_bytes(b"config:\n  a: \xff\n")
    with pytest.raises(InvalidEnvironmentError) as caught:
        read(file)
    assert (caught.value.mistakes[0].line, caught.value.mistakes[0].message) == (2, "no UTF-8 text")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path):
    file = tmp_path / "Pulumi.a.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert read(file).cloud.name == "internal"


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path):
    file = tmp_path / "Pulumi.a.yaml"
    file.write_text(SMALL.replace("m1.large", "7").replace("internal", "''").replace("debian-12", "[]"))
    with pytest.raises(InvalidEnvironmentError) as caught:
        read(file)
    assert [each.line for each in caught.value.mistakes] == [3, 5, 6]
    assert str(caught.value).startswith("3 mistakes in the environment; nothing was changed\n\n")


def test_pulumis_program_gets_mistakes_without_lines():
    with pytest.raises(InvalidEnvironmentError) as caught:
        check({"cloud": {"nam": "internal"}, "nodes": {}})
    said = [str(each) for each in caught.value.mistakes]
    assert said[0] == 'terp:environment.cloud.nam\n  unknown key "nam"\n  did you mean "name"?'
    assert {each.line for each in caught.value.mistakes} == {None}
    assert {each.file for each in caught.value.mistakes} == {None}


def test_the_name_of_a_stack_is_checked_when_it_is_given():
    value = {
        "cloud": {"name": "internal"},
        "nodes": {"image": "debian-12", "control_plane": {"flavor": "m1.large", "schedulable": True}},
    }
    assert check(value).nodes.control_plane.count == 1
    with pytest.raises(InvalidEnvironmentError, match=r"rename the file: Pulumi\.my-stack\.yaml"):
        check(value, "My_Stack")
    assert check(value, "a" * 47)
    with pytest.raises(InvalidEnvironmentError, match="has 64 characters; 63 are possible"):
        check(value, "a" * 48)


def test_a_secret_is_not_repeated():
    value = {
        "cloud": {"name": "internal"},
        "nodes": {"image": "debian-12", "control_plane": {"flavor": "m1.large", "schedulable": True}},
        "access": {"ssh": {"public_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET"]}},
    }
    with pytest.raises(InvalidEnvironmentError) as caught:
        check(value)
    assert "SECRET" not in str(caught.value)
