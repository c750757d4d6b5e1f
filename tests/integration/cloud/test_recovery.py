"""Whatever dies, comes back; whatever state it is in, `down` leaves nothing."""

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from terp.cloud.process import wait_for
from terp.cloud.supervisor import NAME
from tests.integration.cloud.conftest import EmbeddedCloud, kill
from tests.integration.cloud.test_api import active, boot

pytestmark = pytest.mark.cloud

SERVICES = ("mariadb", "keystone", "placement", "glance", "neutron", "cinder", "octavia", "nova")


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_service_comes_back_by_itself(records: EmbeddedCloud, service: str) -> None:
    server = active(records.connect(), boot(records.connect(), "before"))
    kill(records, service)
    wait_for(f"{service} to be back", lambda: records.state.process(service).record(), 60)
    records.healthy_again()
    member = records.connect()
    assert member.compute.get_server(server).status == "ACTIVE"
    active(member, boot(member, "after"))


def test_what_was_answered_survives_the_death_of_the_database(records: EmbeddedCloud) -> None:
    member = records.connect()
    made = [member.network.create_network(name=f"n{number}").id for number in range(3)]
    kill(records, "mariadb")
    records.healthy_again()
    assert {network.id for network in records.connect().network.networks()} >= set(made)


def test_the_death_of_the_supervisor_stops_nothing(records: EmbeddedCloud) -> None:
    before = {name: records.state.process(name).record() for name in SERVICES}
    kill(records, NAME)
    active(records.connect(), boot(records.connect(), "without-supervisor"))
    records.up()
    assert records.state.process(NAME).record()
    assert {name: records.state.process(name).record() for name in SERVICES} == before


def test_up_recovers_when_everything_was_killed(records: EmbeddedCloud) -> None:
    server = active(records.connect(), boot(records.connect(), "before"))
    for name in (NAME, *SERVICES):
        kill(records, name)
    records.up()
    records.healthy_again()
    assert records.connect().compute.get_server(server).status == "ACTIVE"


def test_up_on_a_running_cloud_changes_nothing(records: EmbeddedCloud) -> None:
    before = {name: records.state.process(name).record() for name in (NAME, *SERVICES)}
    records.up()
    assert {name: records.state.process(name).record() for name in (NAME, *SERVICES)} == before


@pytest.mark.parametrize(
    "killed",
    [(), *((name,) for name in (NAME, *SERVICES)), ("nova", "mariadb"), (NAME, *SERVICES)],
    ids="-".join,
)
def test_down_leaves_no_process(records: EmbeddedCloud, killed: tuple[str, ...]) -> None:
    for name in killed:
        kill(records, name)
    records.down()
    assert records.processes() == []
    records.up()
    records.healthy_again()


def test_down_finds_processes_whose_record_is_lost(records: EmbeddedCloud) -> None:
    for name in (NAME, "nova"):
        records.state.process(name).record_file.unlink()
    records.down()
    assert records.processes() == []
    records.up()
    records.healthy_again()


def test_passwords_are_in_no_command_line(records: EmbeddedCloud) -> None:
    passwords = [file.read_text() for file in records.state.path("secrets").iterdir() if file.suffix == ""]
    assert passwords
    for pid in records.processes():
        line = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        assert not any(password in line for password in passwords)


def test_no_process_has_a_capability(records: EmbeddedCloud) -> None:
    for pid in records.processes():
        status = Path(f"/proc/{pid}/status").read_text()
        assert "CapEff:\t0000000000000000" in status


def test_the_state_is_private(records: EmbeddedCloud) -> None:
    assert records.state.root.stat().st_mode & 0o077 == 0
    assert records.state.path("clouds.yaml").stat().st_mode & 0o077 == 0


def test_a_first_up_that_was_killed_is_taken_up_again(tmp_path: Path) -> None:
    cloud = EmbeddedCloud(tmp_path, hosts=False)
    try:
        with pytest.raises(subprocess.TimeoutExpired):  # it is killed with SIGKILL
            cloud.terp("up", "--no-hosts", timeout=1)
        for seconds in (3, 6, 10):
            with suppress(subprocess.TimeoutExpired):  # a quick machine may be done
                cloud.terp("up", "--no-hosts", timeout=seconds)
        cloud.up()
        cloud.healthy_again()
        active(cloud.connect(), boot(cloud.connect(), "one"))
    finally:
        cloud.reset()
