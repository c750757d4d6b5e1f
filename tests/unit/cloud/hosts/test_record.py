from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from terp.cloud.hosts.record import HostRecord, HostSpec, Nic, Volume, write


def nic(port: str) -> Nic:
    return Nic(port=port, mac="fa:16:3e:00:00:01", network="n")


def record(*ports: str) -> HostRecord:
    nics = tuple(nic(port) for port in ports)
    return HostRecord.of(HostSpec(id=str(uuid4()), name="a", memory=512, vcpus=1, nics=nics))


def test_interfaces_are_named_in_the_order_of_their_ports() -> None:
    assert {name: each.port for name, each in record("a", "b").nics.items()} == {"eth0": "a", "eth1": "b"}


def test_a_port_that_is_there_already_keeps_its_name() -> None:
    before = record("a", "b")
    after, name = before.with_nic(nic("b"))
    assert (after, name) == (before, "eth1")


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcde")), max_size=30))
def test_names_stay_with_their_ports_whatever_comes_and_goes(steps: list[tuple[bool, str]]) -> None:
    known = record()
    for comes, port in steps:
        before = {each.port: name for name, each in known.nics.items()}
        known = known.with_nic(nic(port))[0] if comes else known.without_nic(port)
        after = {each.port: name for name, each in known.nics.items()}
        assert len(set(after.values())) == len(after)
        assert all(after[each] == before[each] for each in before.keys() & after.keys())
        assert (port in after) == comes


def test_volumes_come_and_go() -> None:
    volume = Volume(file=Path("/v"), device="/dev/vdb")
    known = record().with_volume("id", volume)
    assert known.volumes == {"id": volume}
    assert HostRecord.model_validate_json(known.model_dump_json()) == known
    assert known.without_volume("id").volumes == {}


@pytest.mark.parametrize("wrong", [{"id": "../x"}, {"memory": 0}, {"vcpus": 0}, {"name": "x" * 65}])
def test_what_cannot_be_a_host_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HostSpec.model_validate({"id": str(uuid4()), "name": "a", "memory": 512, "vcpus": 1, **wrong})


def test_a_device_is_a_path_below_dev() -> None:
    with pytest.raises(ValidationError):
        Volume(file=Path("/v"), device="/dev/../etc/passwd")


def test_a_file_is_replaced_whole_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "f"
    write(file, "one")
    assert file.stat().st_mode & 0o777 == 0o600
    write(file, "two", mode=0o444)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("two", 0o444)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
