import subprocess
from ipaddress import ip_network

import pytest

from terp.cloud.network import check_external, links
from terp.cloud.network.kernel import routes
from terp.cloud.network.machine import MIRROR_PORT
from terp.cloud.network.model import Route
from terp.cloud.network.routing import router_namespace
from terp.cloud.place import Place
from terp.errors import TerpError
from tests.integration.network.world import Outside, World, within

pytestmark = pytest.mark.hosts


def test_servers_of_two_networks_reach_each_other_through_their_router(world: World) -> None:
    one, two = world.network("10.0.1.0/24", "fd00:1::/64"), world.network("10.0.2.0/24", "fd00:2::/64")
    group = world.default_group()
    a = world.server(one, "10.0.1.5", "fd00:1::5", groups=(group,))
    b = world.server(two, "10.0.2.5", "fd00:2::5", groups=(group,))
    world.follow()
    assert not a.can_reach(b)
    world.router(one, two)
    world.follow()
    assert a.can_reach(b)
    assert b.can_reach(a, address=a.address6)
    assert a.pings(b.address)
    assert a.pings(b.address6)


def test_a_floating_ip_leads_in_and_its_server_goes_out_by_it(world: World, outside: Outside) -> None:
    net = world.network("10.0.1.0/24")
    a, b = (world.server(net, f"10.0.1.{n}", groups=(world.open_group(),)) for n in (5, 6))
    router = world.router(net, gateway=world.outer(10))
    world.float(router, world.outer(20), a)
    world.float(router, world.outer(21), b)
    world.follow()
    with a.serving(80), b.serving(80):
        assert outside.reaches(world.outer(20)) == a.namespace
        assert outside.reaches(world.outer(21)) == b.namespace
    with outside.serving(3128) as clients:
        assert a.reaches(world.outer(1), 3128)
        assert b.reaches(world.outer(1), 3128)
    assert clients == [world.outer(20), world.outer(21)]


def test_a_server_without_a_floating_ip_shares_the_gateway_address(world: World, outside: Outside) -> None:
    net = world.network("10.0.1.0/24")
    a = world.server(net, "10.0.1.5", groups=(world.open_group(),))
    world.router(net, gateway=world.outer(10))
    world.follow()
    with outside.serving(3128) as clients:
        assert a.reaches(world.outer(1), 3128)
    assert clients == [world.outer(10)]
    assert a.pings(world.outer(1))


def test_without_snat_a_server_without_a_floating_ip_stays_inside(world: World, outside: Outside) -> None:
    net = world.network("10.0.1.0/24")
    a = world.server(net, "10.0.1.5", groups=(world.open_group(),))
    world.router(net, gateway=world.outer(10), snat=False)
    world.follow()
    with outside.serving(3128):
        assert not a.reaches(world.outer(1), 3128)


def test_a_floating_ip_is_reached_from_inside(world: World) -> None:
    one, two = world.network("10.0.1.0/24"), world.network("10.0.2.0/24")
    group = world.open_group()
    a, b = (world.server(one, f"10.0.1.{n}", groups=(group,)) for n in (5, 6))
    c = world.server(two, "10.0.2.5", groups=(group,))
    router = world.router(one, two, gateway=world.outer(10))
    world.float(router, world.outer(20), a)
    world.float(router, world.outer(21), c)
    world.follow()
    with a.serving(80) as clients:
        for server in (a, b, c):  # also the server itself, by its own floating IP
            assert server.reaches(world.outer(20)) == a.namespace
    assert clients == [world.outer(20), world.outer(10), world.outer(21)]


def test_a_floating_ip_of_another_tenant_is_reached_through_the_external_network(world: World) -> None:
    mine, theirs = world.network("10.0.1.0/24"), world.network("10.0.1.0/24")
    a = world.server(mine, "10.0.1.5", groups=(world.open_group(),))
    b = world.server(theirs, "10.0.1.5", groups=(world.open_group(),))
    world.router(mine, gateway=world.outer(10))
    other = world.router(theirs, gateway=world.outer(11))
    world.float(other, world.outer(21), b)
    world.follow()
    with b.serving(80) as clients:
        assert a.reaches(world.outer(21)) == b.namespace
    assert clients == [world.outer(10)]


def test_a_floating_ip_moves_to_another_server_and_router_at_once(world: World, outside: Outside) -> None:
    one, two = world.network("10.0.1.0/24"), world.network("10.0.2.0/24")
    a = world.server(one, "10.0.1.5", groups=(world.open_group(),))
    b = world.server(two, "10.0.2.5", groups=(world.open_group(),))
    first, second = world.router(one, gateway=world.outer(10)), world.router(two, gateway=world.outer(11))
    world.float(first, world.outer(20), a)
    world.follow()
    with a.serving(80), b.serving(80):
        assert outside.reaches(world.outer(20)) == a.namespace
        world.float(second, world.outer(20), b)
        world.follow()
        assert outside.reaches(world.outer(20)) == b.namespace
        world.floating.clear()
        world.follow()
        assert outside.reaches(world.outer(20)) == ""


def test_taking_a_floating_ip_away_ends_its_connections(world: World, outside: Outside) -> None:
    net = world.network("10.0.1.0/24")
    a, b = (world.server(net, f"10.0.1.{n}", groups=(world.open_group(),)) for n in (5, 6))
    router = world.router(net, gateway=world.outer(10))
    world.float(router, world.outer(20), a)
    world.follow()
    with a.echoing(7) as echo, outside.connected(world.outer(20), 7) as client:
        assert client.answers(b"one")
        world.float(router, world.outer(20), b)
        world.follow()
        assert not client.answers(b"two")
        assert echo == [b"one"]


def test_two_subnets_of_one_network_reach_each_other_through_their_router(world: World) -> None:
    net = world.network("10.0.1.0/24", "10.0.2.0/24")
    group = world.default_group()
    a, b = (world.server(net, address, groups=(group,)) for address in ("10.0.1.5", "10.0.2.5"))
    world.router(net)
    world.follow()
    with a.echoing(7), b.connected(a.address, 7) as client:  # every packet passes the network's bridge twice
        assert all(client.answers(bytes([48 + number]) * 90) for number in range(5))
    assert a.can_reach(b)


def test_an_extra_route_leads_through_a_server(world: World) -> None:
    one, two = world.network("10.0.1.0/24"), world.network("10.0.2.0/24")
    group = world.open_group()
    a = world.server(one, "10.0.1.5", groups=(group,))
    gate = world.server(two, "10.0.2.5", secured=False)
    gate.ip("addr", "add", "10.99.0.1/32", "dev", "lo")
    world.router(one, two, routes=(Route(destination="10.99.0.0/16", nexthop="10.0.2.5"),))
    world.follow()
    with gate.serving(80):
        assert a.reaches("10.99.0.1") == gate.namespace


def test_a_route_whose_next_hop_is_nowhere_harms_nobody(world: World) -> None:
    one, two = world.network("10.0.1.0/24"), world.network("10.0.2.0/24")
    group = world.open_group()
    a, b = world.server(one, "10.0.1.5", groups=(group,)), world.server(two, "10.0.2.5", groups=(group,))
    world.router(one, two, routes=(Route(destination="10.99.0.0/16", nexthop="192.0.2.77"),))
    world.follow()
    assert a.can_reach(b)


def test_the_routes_of_a_router_change(world: World) -> None:
    one = world.network("10.0.1.0/24", "fd00:1::/64")
    router = world.router(one, routes=(Route(destination="10.99.0.0/16", nexthop="10.0.1.9"),))
    world.follow()
    name = router_namespace(world.place.tag, router.id)
    world.routers[router.id] = router.model_copy(
        update={
            "routes": (
                Route(destination="10.98.0.0/16", nexthop="10.0.1.8"),
                Route(destination="fd00:98::/64", nexthop="fd00:1::8"),
            )
        }
    )
    world.follow()
    assert {(route.destination, route.nexthop) for route in routes(name)[0]} == {
        ("10.98.0.0/16", "10.0.1.8"),
        ("fd00:98::/64", "fd00:1::8"),
    }


def test_a_router_that_is_down_routes_nothing_and_one_that_is_gone_leaves_nothing(world: World) -> None:
    one, two = world.network("10.0.1.0/24"), world.network("10.0.2.0/24")
    group = world.open_group()
    a, b = world.server(one, "10.0.1.5", groups=(group,)), world.server(two, "10.0.2.5", groups=(group,))
    router = world.router(one, two)
    world.follow()
    assert a.can_reach(b)
    world.routers[router.id] = router.model_copy(update={"up": False})
    world.follow()
    assert not a.can_reach(b)
    world.routers.clear()
    world.follow()
    assert router_namespace(world.place.tag, router.id) not in links.namespaces(world.place)


def test_servers_reach_an_offline_mirror_on_the_machine(world: World, outside: Outside) -> None:
    net = world.network("10.0.1.0/24")
    a = world.server(net, "10.0.1.5", groups=(world.open_group(),))
    world.router(net, gateway=world.outer(10))
    world.follow()
    with outside.serving(MIRROR_PORT):
        assert a.reaches(world.outer(1), MIRROR_PORT)


def test_servers_reach_nothing_else_of_the_machine(world: World, outside: Outside) -> None:
    net = world.network("10.0.1.0/24")
    a = world.server(net, "10.0.1.5", groups=(world.open_group(),))
    world.router(net, gateway=world.outer(10))
    world.follow()
    assert a.pings(world.outer(1))
    with outside.serving(3131):
        assert not a.reaches(world.outer(1), 3131)


def test_names_of_servers_are_known_where_their_router_leads(world: World) -> None:
    one, two, three = (world.network(f"10.0.{n}.0/24") for n in (1, 2, 3))
    group = world.open_group()
    a = world.server(one, "10.0.1.5", groups=(group,), name="alpha")
    world.server(two, "10.0.2.5", groups=(group,), name="Beta")
    world.server(three, "10.0.3.5", groups=(group,), name="gamma")
    router = world.router(one, two)
    world.follow()
    for name in ("beta", "beta.openstacklocal", "beta.cloud.internal", "BETA.novalocal"):
        assert a.looks_up(name) == ["10.0.2.5"]
    assert a.looks_up("alpha") == ["10.0.1.5"]
    assert a.looks_up("gamma") == 3
    assert a.looks_up("registry.example") == 3
    world.interface(router, three)
    world.server(two, "10.0.2.6", name="delta")
    world.follow()
    assert within(3, lambda: a.looks_up("gamma") == ["10.0.3.5"])
    assert a.looks_up("delta") == ["10.0.2.6"]


def test_names_are_known_in_a_network_without_a_router_too(world: World) -> None:
    net, other = world.network("10.0.1.0/24"), world.network("10.0.1.0/24")
    group = world.open_group()
    a = world.server(net, "10.0.1.5", groups=(group,), name="alpha")
    world.server(net, "10.0.1.6", groups=(group,), name="beta")
    world.server(other, "10.0.1.7", groups=(group,), name="gamma")
    world.follow()
    assert a.looks_up("beta.openstacklocal") == ["10.0.1.6"]
    assert a.looks_up("gamma") == 3
    router = world.router(net)
    world.follow()
    assert within(3, lambda: a.looks_up("beta") == ["10.0.1.6"])
    mine = [name for name in links.namespaces(world.place) if "-r-" in name]
    assert router_namespace(world.place.tag, router.id) in mine
    assert len(mine) == 2  # and the stand-in of the other network


def test_a_server_that_has_the_gateways_address_keeps_it(world: World) -> None:
    net = world.network("10.0.1.0/24")
    group = world.open_group()
    a = world.server(net, "10.0.1.5", groups=(group,), name="alpha")
    gate = world.server(net, "10.0.1.1", groups=(group,), name="gate")
    world.follow()
    assert a.can_reach(gate)
    assert [name for name in links.namespaces(world.place) if "-r-" in name] == []


def test_an_external_network_that_the_machine_reaches_otherwise_is_left_alone(place: Place) -> None:
    subprocess.run(["ip", "link", "add", "other", "type", "bridge"], timeout=10, check=True)
    part = next(ip_network(place.external_cidr).subnets(new_prefix=28))
    subprocess.run(["ip", "addr", "add", f"{part[5]}/28", "dev", "other"], timeout=10, check=True)
    subprocess.run(["ip", "link", "set", "other", "up"], timeout=10, check=True)
    with pytest.raises(TerpError, match=str(part)):
        check_external(place.external_cidr)
    world = World(place)
    outcome = world.reconciler.prepare()
    assert list(outcome.failed) == ["leg"]
    net = world.network("10.0.1.0/24")
    group = world.default_group()
    a, b = (world.server(net, f"10.0.1.{n}", groups=(group,)) for n in (5, 6))
    world.reconciler.follow(world.snapshot())
    assert a.can_reach(b)  # the rest works
    subprocess.run(["ip", "link", "delete", "other"], timeout=10, check=True)
    world.reconciler.audit_now()
    assert world.reconciler.keep().failed == {}
