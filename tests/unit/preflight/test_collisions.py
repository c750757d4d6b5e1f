"""What is said of names that the project has already."""

from typing import Any

from tests.unit.preflight.samples import STACK, environment, said, snapshot
from tests.unit.preflight.states import resource, state

from terp.openstack.types import INSTANCE, KEYPAIR
from terp.preflight.collisions import check
from terp.preflight.snapshot import Marked, Network, Port


def findings(there: Any, recorded: Any = None, **changes: Any):
    return said(check(STACK, environment(**changes), there, recorded))


def test_names_of_others_do_not_matter():
    there = snapshot(servers=(Marked(id="1", name="test-cpu-0", stack="test"), Marked(id="2", name="web")))
    assert findings(there) == []


def test_a_server_of_the_same_name_would_be_taken_for_a_node():
    there = snapshot(
        servers=(Marked(id="1", name="prod-cpu-0"), Marked(id="2", name="prod-bastion", stack="x"))
    )
    assert [each[:3] for each in findings(there)] == [
        ("error", "nodes.pools.cpu", "the project has another server prod-cpu-0 (id 1)"),
        ("error", "access.bastion", "the project has another server prod-bastion (of the stack x)"),
    ]


def test_what_the_stack_has_by_its_state_is_its_own_even_without_a_mark():
    there = snapshot(servers=(Marked(id="1", name="prod-cpu-0"),))
    assert findings(there, state(resource(INSTANCE, "cpu-0", "1"))) == []


def test_other_things_of_the_same_name_are_warnings():
    there = snapshot(
        networks=(
            Network(id="n1", name="public", external=True, mine=False),
            Network(id="n5", name="prod-nodes"),
            Network(id="n6", name="prod-nodes", mine=False),
        ),
        ports=(Port(id="p5", name="prod-cpu-1", network_id="n5"),),
        volumes=(Marked(id="v5", name="prod-control-plane-2-etcd"),),
        load_balancers=(Marked(id="l5", name="prod-api", stack="other"),),
    )
    assert [each[:3] for each in findings(there)] == [
        ("warning", "network", "the project has another network prod-nodes (id n5)"),
        ("warning", "nodes", "the project has another port prod-cpu-1 (id p5)"),
        ("warning", "nodes", "the project has another volume prod-control-plane-2-etcd (id v5)"),
        ("warning", "access.api", "the project has another load balancer prod-api (of the stack other)"),
    ]


def test_a_key_pair_of_the_stacks_name_stops_it_unless_it_is_its_own():
    there = snapshot(keypairs=frozenset({"prod"}))
    [(severity, key, message, _)] = findings(there)
    assert (severity, key) == ("error", "access.ssh.keypair")
    assert message == "the user has a key pair 'prod' already, and the stack would make one of this name"
    assert findings(there, state(resource(KEYPAIR, "access", "prod", name="prod"))) == []
    assert findings(there, access__ssh={"keypair": "prod"}) == []


def test_leftovers_of_the_stack_are_a_warning():
    there = snapshot(
        servers=tuple(Marked(id=f"s{n}", name=f"prod-cpu-{n}", stack=STACK) for n in range(7)),
        volumes=(Marked(id="v1", name="prod-cpu-0-data", stack=STACK),),
    )
    assert [each[:3] for each in findings(there, state(resource(INSTANCE, "cpu-6", "s6")))] == [
        (
            "warning",
            "",
            "6 servers carry the mark of the stack 'prod'; its state lacks them: "
            "prod-cpu-0, prod-cpu-1, prod-cpu-2, prod-cpu-3, prod-cpu-4 and 1 more",
        ),
        (
            "warning",
            "",
            "1 volumes carry the mark of the stack 'prod'; its state lacks them: prod-cpu-0-data",
        ),
    ]
