"""What preflight counts is what the OpenStack layer makes: its program runs on mocks of Pulumi's engine."""

from pathlib import Path
from typing import Any

import pulumi
import pytest
from tests.unit.preflight.samples import environment
from tests.unit.preflight.states import resource, state

from terp.environment import Environment, read
from terp.openstack.cloud import Cloud
from terp.openstack.servers import servers
from terp.preflight.demand import Prices, Thing, Uses, demand
from terp.preflight.quota import added
from terp.preflight.recorded import recorded
from terp.preflight.snapshot import Flavor

STACK = "prod"
VALID = sorted((Path(__file__).parents[2] / "fixtures" / "valid").glob("*.yaml"))
EVERYTHING = environment(
    network__nodes_ipv6="fd00:10:10::/64",
    network__additional={"storage": {"cidr": "10.11.0.0/24"}},
    nodes__etcd={"flavor": "m1.medium", "count": 3, "etcd_volume": {"size": 10, "type": "fast"}},
    nodes__pools={
        "cpu": {"flavor": "m1.large", "count": 2, "networks": ["storage"], "root_volume": {"size": 40}},
        "gpu": {"flavor": "m1.large", "count": 1, "affinity": "none", "floating_ip": "new"},
        "none": {"flavor": "m1.large", "count": 0},
    },
    access__api={"endpoint": "load-balancer", "provider": "ovn", "floating_ip": "new"},
    access__egress_to=["10.0.0.0/8"],
    access__node_ports_from=["10.0.0.0/8"],
)


class Engine(pulumi.runtime.Mocks):
    """Remembers what is registered, as a state would hold it; the stack's last outputs have the `hosts`."""

    def __init__(self, hosts: list[dict[str, str]]) -> None:
        self.hosts = hosts
        self.made: list[dict[str, Any]] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        outputs = {**args.inputs, "allFixedIps": ["10.10.0.10"], "vipAddress": "10.10.0.9", "vipPortId": "p"}
        if args.typ == "pulumi:pulumi:StackReference":
            return args.name, {**args.inputs, "outputs": {"hosts": self.hosts}}
        if args.custom:
            self.made.append(resource(args.typ, args.name, **outputs))
        return f"id-{args.name}", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        return {"id": "there", "properties": {"os_distro": "debian"}}


def made_by(wanted: Environment) -> list[dict[str, Any]]:
    names = [server.key for server in servers(STACK, wanted)]
    engine = Engine([{"server_id": f"id-{name}", "host_key": "ssh-ed25519 AAAA"} for name in names])
    pulumi.runtime.set_mocks(engine, "terp", STACK)

    @pulumi.runtime.test
    def program() -> None:
        Cloud(STACK, wanted)

    program()
    return engine.made


def prices_for(wanted: Environment) -> Prices:
    flavors = {server.flavor for server in servers(STACK, wanted)}
    return Prices(
        flavors={name: Flavor(id=name, name=name, vcpus=4, ram=8192, disk=80) for name in flavors},
        default_volume_type="standard",
        dhcp_ports=2,
    )


def taken(things: dict[Thing, Uses]) -> dict[Thing, dict[str, int]]:
    return {thing: {name: count for name, count in uses.items() if count} for thing, uses in things.items()}


@pytest.mark.parametrize(
    "wanted",
    [environment(), EVERYTHING, *map(read, VALID)],
    ids=["plain", "everything", *(file.stem for file in VALID)],
)
def test_the_layer_makes_what_is_counted_and_a_state_with_it_needs_no_more(wanted: Environment):
    prices = prices_for(wanted)
    have = recorded(state(*made_by(wanted)), prices)
    want = demand(STACK, wanted, prices)
    assert taken(have) == taken(want)
    assert not +added(want, have)
