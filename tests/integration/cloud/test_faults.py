"""Faults on purpose: each kind is seen by a client as the real one would be."""

import json
import time
from collections.abc import Iterator

import pytest
import requests
from openstack import exceptions
from openstack.connection import Connection

from terp.cloud.faults import Fault, set_faults
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.cloud.test_api import active, boot, wait_volume, why_not

pytestmark = pytest.mark.cloud


@pytest.fixture
def cloud(records: EmbeddedCloud) -> Iterator[EmbeddedCloud]:
    yield records
    set_faults(records.state, [])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_status_is_answered_as_often_as_asked(
    cloud: EmbeddedCloud, member: Connection, status: int
) -> None:
    set_faults(
        cloud.state, [Fault(service="neutron", method="GET", path="/networks", status=status, times=2)]
    )
    for _ in range(2):
        with pytest.raises(exceptions.HttpException) as seen:
            list(member.network.networks())
        assert seen.value.status_code == status
    assert list(member.network.networks())


def test_retry_after_is_told(cloud: EmbeddedCloud, member: Connection) -> None:
    set_faults(cloud.state, [Fault(service="nova", status=429, retry_after=7)])
    answer = member.session.get(member.compute.get_endpoint() + "/servers", raise_exc=False)
    assert answer.headers["Retry-After"] == "7"


def test_only_the_service_method_and_path_are_met(cloud: EmbeddedCloud, member: Connection) -> None:
    set_faults(cloud.state, [Fault(service="cinder", method="POST", path="/volumes$", status=503)])
    assert list(member.block_storage.volumes()) == []
    with pytest.raises(exceptions.HttpException):
        member.block_storage.create_volume(size=1)
    assert list(member.compute.servers()) == []


def test_the_nth_call_fails_and_no_other(cloud: EmbeddedCloud, member: Connection) -> None:
    set_faults(cloud.state, [Fault(service="neutron", method="POST", path="/networks", status=500, nth=3)])
    outcomes = []
    for number in range(5):
        try:
            member.network.create_network(name=f"n{number}")
            outcomes.append("made")
        except exceptions.HttpException:
            outcomes.append("failed")
    assert outcomes == ["made", "made", "failed", "made", "made"]


def test_a_rate_meets_some_calls(cloud: EmbeddedCloud, member: Connection) -> None:
    list(member.network.networks())
    set_faults(cloud.state, [Fault(service="neutron", path="/networks", status=503, rate=0.5)])
    statuses = {member.network.get("/networks", raise_exc=False).status_code for _ in range(40)}
    assert statuses == {200, 503}


def test_a_delay_is_waited(cloud: EmbeddedCloud, member: Connection) -> None:
    list(member.network.networks())
    set_faults(cloud.state, [Fault(service="neutron", path="/networks", delay=1.5, times=1)])
    start = time.monotonic()
    assert list(member.network.networks())
    assert time.monotonic() - start >= 1.5


def test_a_dropped_connection_has_no_answer(cloud: EmbeddedCloud) -> None:
    set_faults(cloud.state, [Fault(service="keystone", drop=True, times=1)])
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(cloud.state.url("keystone", "/v3"), timeout=10)
    assert requests.get(cloud.state.url("keystone", "/v3"), timeout=10).ok


@pytest.mark.parametrize("seen", [{"status": 504}, {"drop": True}], ids=["error", "drop"])
def test_a_lost_reply_has_done_the_work(
    cloud: EmbeddedCloud, member: Connection, seen: dict[str, object]
) -> None:
    assert list(member.network.networks(name="lost")) == []
    lost = Fault.model_validate(
        {"service": "neutron", "method": "POST", "path": "/networks", "lost": True, "times": 1, **seen}
    )
    set_faults(cloud.state, [lost])
    answer: object
    try:
        answer = member.network.post(
            "/networks", json={"network": {"name": "lost"}}, raise_exc=False, connect_retries=0
        ).status_code
    except Exception as error:  # noqa: BLE001 - whatever a client makes of it
        answer = type(error).__name__
    assert answer != 201
    assert [network.name for network in member.network.networks(name="lost")] == ["lost"]


def test_a_failed_boot_ends_in_error(cloud: EmbeddedCloud, member: Connection) -> None:
    set_faults(cloud.state, [Fault(kind="boot", name="^worker-2$")])
    broken, healthy = boot(member, "worker-2"), boot(member, "worker-1")
    assert "on purpose" in why_not(member, broken)
    assert active(member, healthy).status == "ACTIVE"


def test_a_refused_attachment_frees_the_volume(cloud: EmbeddedCloud, member: Connection) -> None:
    server = active(member, boot(member, "one"))
    volume = member.block_storage.create_volume(size=1)
    wait_volume(member, volume, "available")
    set_faults(cloud.state, [Fault(kind="attach", times=1)])
    member.compute.create_volume_attachment(server, volume_id=volume.id)
    wait_volume(member, volume, "available")
    assert list(member.compute.volume_attachments(server)) == []
    member.compute.create_volume_attachment(server, volume_id=volume.id)
    wait_volume(member, volume, "in-use")


def test_rules_come_and_go_by_the_command_line(cloud: EmbeddedCloud, member: Connection) -> None:
    assert list(member.image.images())
    cloud.terp("fault", "add", '{"service": "glance", "status": 503}')
    assert json.loads(cloud.terp("fault", "list").stdout) == [{"service": "glance", "status": 503}]
    with pytest.raises(exceptions.HttpException):
        list(member.image.images())
    cloud.terp("fault", "clear")
    assert list(member.image.images())


def test_a_wrong_rule_is_refused_with_the_reason(cloud: EmbeddedCloud) -> None:
    refused = cloud.terp("fault", "add", '{"service": "nova", "statsu": 503}', check=False)
    assert refused.returncode == 2
    assert "statsu" in refused.stderr
