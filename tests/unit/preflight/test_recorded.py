"""What a stack has by Pulumi's record."""

from tests.unit.preflight.samples import snapshot
from tests.unit.preflight.states import resource, state

from terp.openstack import types
from terp.preflight.demand import prices
from terp.preflight.recorded import ids, names, recorded

PRICES = prices(snapshot())


def test_without_a_stack_there_is_nothing():
    assert recorded(None, PRICES) == {}
    assert recorded({"version": 3, "deployment": {}}, PRICES) == {}
    assert recorded({"version": 3, "deployment": None}, PRICES) == {}
    assert recorded(state(), PRICES) == {}


def test_a_server_takes_what_its_flavor_says():
    found = recorded(state(resource(types.INSTANCE, "cpu-0", flavorName="m1.large")), PRICES)
    assert found == {(types.INSTANCE, "cpu-0"): {"instances": 1, "cores": 4, "ram": 8192}}


def test_a_server_of_a_flavor_that_is_gone_counts_as_a_server():
    found = recorded(state(resource(types.INSTANCE, "cpu-0", flavorName="old")), PRICES)
    assert found[(types.INSTANCE, "cpu-0")]["instances"] == 1


def test_a_root_volume_counts_with_its_server():
    device = {"sourceType": "image", "destinationType": "volume", "volumeSize": 40, "volumeType": ""}
    found = recorded(
        state(resource(types.INSTANCE, "cpu-0", flavorName="m1.large", blockDevices=[device])), PRICES
    )
    uses = found[(types.INSTANCE, "cpu-0")]
    assert (uses["volumes"], uses["gigabytes"], uses["gigabytes_standard"]) == (1, 40, 40)


def test_each_other_thing_counts_as_the_demand_counts_it():
    found = recorded(
        state(
            resource(types.NETWORK, "nodes"),
            resource(types.ROUTER_INTERFACE, "nodes"),
            resource(types.SECURITY_RULE, "node-x"),
            resource(types.VOLUME, "cpu-0-data", size=10, volumeType="fast"),
            resource(types.LOAD_BALANCER, "api", loadbalancerProvider="ovn"),
            resource(types.MEMBERS, "api", members=[{}, {}, {}]),
            resource("openstack:compute/volumeAttach:VolumeAttach", "cpu-0-data"),
        ),
        PRICES,
    )
    assert {thing: {name: n for name, n in uses.items() if n} for thing, uses in found.items()} == {
        (types.NETWORK, "nodes"): {"networks": 1},
        (types.ROUTER_INTERFACE, "nodes"): {"ports": 1},
        (types.SECURITY_RULE, "node-x"): {"security_group_rules": 1},
        (types.VOLUME, "cpu-0-data"): {
            "volumes": 1,
            "gigabytes": 10,
            "volumes_fast": 1,
            "gigabytes_fast": 10,
        },
        (types.LOAD_BALANCER, "api"): {"load_balancers": 1, "ports": 2},
        (types.MEMBERS, "api"): {"members": 3},
    }


def test_what_waits_to_be_deleted_or_was_only_looked_up_does_not_count():
    waiting = {**resource(types.PORT, "cpu-0"), "delete": True}
    looked_up = {**resource(types.NETWORK, "nodes"), "external": True}
    half_made = {**resource(types.PORT, "cpu-1"), "id": ""}
    assert recorded(state(waiting, looked_up, half_made), PRICES) == {}


def test_names_and_ids():
    there = state(
        resource(types.KEYPAIR, "access", "prod", name="prod"),
        resource(types.PORT, "a", "p-1", name="prod-a"),
    )
    assert names(there, types.KEYPAIR) == {"prod"}
    assert ids(there) == {"prod", "p-1"}
    assert ids(None) == frozenset()
