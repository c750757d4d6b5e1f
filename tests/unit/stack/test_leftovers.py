"""Which things are a broken run's leftovers, and which are not."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from openstack.block_storage.v3.volume import Volume
from openstack.compute.v2.keypair import Keypair
from openstack.compute.v2.server import Server
from openstack.compute.v2.server_group import ServerGroup
from openstack.load_balancer.v2.health_monitor import HealthMonitor
from openstack.network.v2.port import Port
from openstack.network.v2.security_group_rule import SecurityGroupRule

from terp.environment import Environment
from terp.stack.leftovers import stillborn, trace_of

SINCE = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER, EARLIER = "2026-11-22T12:00:01", "2026-11-22T10:59:59"
MARK = "terp:stack=prod"
STATE = {"resources": [{"urn": "…::known", "type": "openstack:networking/port:Port", "id": "known"}]}
TRACE = trace_of(
    "prod",
    Environment.model_validate(
        {
            "cloud": {"name": "embedded"},
            "nodes": {
                "image": "debian-12",
                "control_plane": {"flavor": "m1.large"},
                "pools": {"cpu": {"count": 1, "flavor": "m1.large"}},
            },
        }
    ),
    STATE,
    SINCE,
)


@pytest.mark.parametrize(
    "thing",
    [
        Port(id="1", description=MARK, created_at=f"{LATER}Z"),  # as Neutron says it
        Server(id="1", metadata={"terp_stack": "prod"}, created=f"{LATER}Z"),
        Volume(id="1", description=MARK, created_at=f"{LATER}.000000"),  # as Cinder says it
        Volume(id="1", metadata={"terp_stack": "prod"}, created_at=f"{LATER}.000000"),
        Keypair(name="prod", created_at=f"{LATER}.000000"),
        ServerGroup(id="1", name="prod-cpu", members=[]),
        HealthMonitor(id="1", name="prod-api", created_at=LATER),  # as Octavia says it
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_has_the_mark_and_is_younger_than_the_run_is_a_leftover(thing: Any) -> None:
    assert TRACE.leads_to(thing)


@pytest.mark.parametrize(
    "thing",
    [
        Port(id="known", description=MARK, created_at=f"{LATER}Z"),
        Port(id="1", description=MARK, created_at=f"{EARLIER}Z"),
        Port(id="1", description=MARK),
        Port(id="1", description="terp:stack=prod-2", created_at=f"{LATER}Z"),
        Port(id="1", description="", created_at=f"{LATER}Z"),
        Server(id="1", metadata={"terp_stack": "prod-2"}, created=f"{LATER}Z"),
        Server(id="1", name="prod-cpu-0", created=f"{LATER}Z"),
        Keypair(name="prod-2", created_at=f"{LATER}.000000"),
        Keypair(name="prod", created_at=f"{EARLIER}.000000"),
        ServerGroup(id="1", name="prod-2-cpu", members=[]),
        ServerGroup(id="1", name="prod-cpu", members=["somebody"]),
        HealthMonitor(id="1", name="prod-2-api", created_at=LATER),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_the_state_has_and_what_is_older_or_another_stack_s_is_none(thing: Any) -> None:
    assert not TRACE.leads_to(thing)


def test_a_rule_that_neutron_made_by_itself_is_fresh_without_a_mark() -> None:
    assert TRACE.fresh(SecurityGroupRule(id="1", description=None, created_at=f"{LATER}Z"))
    assert not TRACE.leads_to(SecurityGroupRule(id="1", description=None, created_at=f"{LATER}Z"))


INSTANCE, VOLUME = "openstack:compute/instance:Instance", "openstack:blockstorage/volume:Volume"


def resource(kind: str, identity: str, **more: Any) -> dict[str, Any]:
    return {"urn": f"urn::{identity}", "type": kind, "id": identity, "initErrors": ["no"], **more}


def cloud(**found: Any) -> Any:
    """A connection that finds these things by id."""
    return SimpleNamespace(
        compute=SimpleNamespace(find_server=found.get), block_storage=SimpleNamespace(find_volume=found.get)
    )


def test_a_server_that_never_ran_is_stillborn_and_one_that_ran_is_not() -> None:
    never = Server(id="never", status="ERROR")
    ran = Server(id="ran", status="ERROR", **{"OS-SRV-USG:launched_at": LATER})
    fine = Server(id="fine", status="ACTIVE")
    state = {"resources": [resource(INSTANCE, name) for name in ("never", "ran", "fine", "gone")]}
    assert stillborn(cloud(never=never, ran=ran, fine=fine), state) == ["urn::never"]


def test_a_volume_is_stillborn_in_error_alone_and_when_nothing_stands_on_it() -> None:
    broken = Volume(id="broken", status="error")
    full = Volume(id="full", status="error_extending")
    needed = Volume(id="needed", status="error")
    resources = [resource(VOLUME, name) for name in ("broken", "full", "needed")]
    on_it = {"urn": "urn::1", "type": INSTANCE, "id": "1", "dependencies": ["urn::needed"]}
    found = cloud(broken=broken, full=full, needed=needed)
    assert stillborn(found, {"resources": [*resources, on_it]}) == ["urn::broken"]


def test_what_came_into_being_without_an_error_is_never_stillborn() -> None:
    server = Server(id="1", status="ERROR")
    made = {"urn": "urn::1", "type": INSTANCE, "id": "1"}
    assert stillborn(cloud(**{"1": server}), {"resources": [made]}) == []
