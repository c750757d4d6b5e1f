"""The settings file: its default, and what it refuses."""

from pathlib import Path

import pytest

from terp.cloud.settings import DEFAULT, read_settings
from terp.environment import read, stack_file
from terp.errors import TerpError
from terp.openstack.servers import servers


def refused(tmp_path: Path, before: str, after: str) -> TerpError:
    """The error that the default settings give after one change."""
    text = DEFAULT.read_text()
    assert before in text
    file = tmp_path / "settings.yaml"
    file.write_text(text.replace(before, after, 1))
    with pytest.raises(TerpError) as error:
        read_settings(file)
    assert error.value.exit_code == 2
    return error.value


def test_the_default_is_valid_and_has_more_computes_than_a_group_has_members() -> None:
    settings = read_settings()
    assert len(settings.each_compute()) >= 16
    assert sum(compute.gpus for compute in settings.each_compute()) == 4


def test_computes_are_numbered_over_all_groups() -> None:
    names = [compute.name for compute in read_settings().each_compute()]
    assert names[0] == "compute-01"
    assert names[-1] == f"compute-{len(names):02d}"
    assert len(set(names)) == len(names)


def test_the_machine_has_the_first_address_of_the_external_network() -> None:
    assert read_settings().external_network.gateway == "198.51.100.1"


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, "  instances: 60", "  instances: 60\n  instancse: 60")
    assert "quotas.instancse" in error.message


def test_a_number_below_the_least_is_named(tmp_path: Path) -> None:
    assert "flavors.0.memory" in refused(tmp_path, "memory: 512", "memory: 1").message


def test_a_prefix_that_is_too_small_is_refused(tmp_path: Path) -> None:
    assert "a /28 at least" in refused(tmp_path, "198.51.100.0/25", "198.51.100.0/30").message


def test_a_flavor_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    assert "m1.tiny stands there twice" in refused(tmp_path, "name: m1.small", "name: m1.tiny").message


def test_an_image_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    twice = "- {name: linux}\n  - {name: linux}"
    assert "images: linux stands there twice" in refused(tmp_path, "- {name: linux}", twice).message


def test_the_shipped_sandbox_finds_its_images_and_flavors() -> None:
    settings, sandbox = read_settings(), read(stack_file("sandbox"))
    assert {server.image for server in servers("sandbox", sandbox)} <= {each.name for each in settings.images}
    assert {server.flavor for server in servers("sandbox", sandbox)} <= {
        each.name for each in settings.flavors
    }


def test_all_findings_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    text = DEFAULT.read_text().replace("instances: 60", "instances: -1").replace("vcpus: 1,", "vcpus: 0,")
    file.write_text(text)
    with pytest.raises(TerpError) as error:
        read_settings(file)
    for where in ("quotas.instances", "flavors.0.vcpus", "flavors.1.vcpus"):
        assert where in error.value.message


@pytest.mark.parametrize(("text", "said"), [("a: [", "settings.yaml"), ("[]", "top level")])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(TerpError, match=said):
        read_settings(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TerpError, match=r"nowhere\.yaml: No such file"):
        read_settings(tmp_path / "nowhere.yaml")
