import os
import signal
import subprocess

import pytest

from terp.cloud.network import dns, kernel, links, sweep
from terp.cloud.network.reconcile import Reconciler
from terp.cloud.network.routing import router_namespace
from terp.cloud.place import Place
from tests.integration.network.world import Server, World, within

pytestmark = pytest.mark.hosts


def joined(world: World) -> tuple[Server, Server, str]:
    """Two servers in two networks of one router, and the router's namespace."""
    one, two = world.network("10.0.1.0/24", "fd00:1::/64"), world.network("10.0.2.0/24")
    group = world.default_group()
    a = world.server(one, "10.0.1.5", groups=(group,), name="alpha")
    b = world.server(two, "10.0.2.5", groups=(group,), name="beta")
    router = world.router(one, two, gateway=world.outer(10))
    world.float(router, world.outer(20), a)
    world.follow()
    assert a.can_reach(b)
    return a, b, router_namespace(world.place.tag, router.id)


def nft(world: World, namespace: str, *words: str) -> None:
    links.inside(namespace, links.tool(world.place, "nft")).run(*words)


def test_nothing_is_done_when_nothing_changed(world: World) -> None:
    joined(world)
    generation = kernel.generation(links.fabric(world.place))
    assert world.follow().changed == []
    world.reconciler.audit_now()
    outcome = world.reconciler.keep()
    assert outcome is not None
    assert (outcome.changed, outcome.failed) == ([], {})
    assert world.reconciler.keep() is None
    assert kernel.generation(links.fabric(world.place)) == generation


def test_a_deleted_router_namespace_is_made_again(world: World, outside: Server) -> None:
    a, b, name = joined(world)
    subprocess.run(["ip", "netns", "delete", name], timeout=10, check=True)
    outcome = world.reconciler.keep()
    assert outcome is not None
    assert outcome.failed == {}
    assert a.can_reach(b)
    assert a.looks_up("beta") == ["10.0.2.5"]
    with a.serving(80):
        world.allow(a.port.groups[0], protocol="tcp")
        world.follow()
        assert outside.reaches(world.outer(20)) == a.namespace


def test_flushed_tables_are_loaded_again(world: World) -> None:
    a, b, name = joined(world)
    world.server(world.networks[a.port.network], "10.0.1.66")
    for namespace in (links.fabric(world.place), name):
        nft(world, namespace, "flush", "ruleset")
        assert world.reconciler.keep() is not None
        assert a.can_reach(b)
        assert world.reconciler.keep() is None
    nft(world, links.fabric(world.place), "flush", "chain", "inet", "terp", "leaving")
    assert not a.can_reach(b)
    world.reconciler.keep()
    assert a.can_reach(b)


def test_the_machines_guard_comes_back(world: World, outside: Server) -> None:
    a, _, _ = joined(world)
    links.tool(world.place, "nft").run("delete", "table", "inet", f"{world.place.tag}_machine")
    world.reconciler.audit_now()
    world.reconciler.keep()
    with outside.serving(3131):
        assert not a.reaches(world.outer(1), 3131)


def test_removed_links_addresses_and_routes_come_back(world: World) -> None:
    a, b, name = joined(world)
    damages = [
        ["link", "delete", next(link for link in kernel.addresses(name) if link.startswith("qr-"))],
        ["addr", "flush", "scope", "global"],
        ["route", "flush", "table", "main"],
    ]
    for damage in damages:
        subprocess.run(["ip", "-n", name, *damage], timeout=10, check=True)
        world.reconciler.audit_now()
        world.reconciler.keep()
        assert a.can_reach(b), damage
    subprocess.run(["ip", "-n", name, "addr", "add", "10.0.77.1/24", "dev", "lo"], timeout=10, check=True)
    world.reconciler.audit_now()
    world.reconciler.keep()
    assert "10.0.77.1/24" not in kernel.addresses(name)["lo"]


def test_a_lost_leg_comes_back(world: World, outside: Server) -> None:
    a, _, _ = joined(world)
    world.allow(a.port.groups[0], protocol="tcp")
    subprocess.run(["ip", "link", "delete", links.leg(world.place)], timeout=10, check=True)
    world.reconciler.audit_now()
    world.reconciler.keep()
    world.follow()
    with a.serving(80):
        assert outside.reaches(world.outer(20)) == a.namespace


def test_a_lost_fabric_is_made_again_and_its_servers_can_be_plugged_again(world: World) -> None:
    a, b, _ = joined(world)
    subprocess.run(["ip", "netns", "delete", links.fabric(world.place)], timeout=10, check=True)
    # The kernel removes the links some time later; until then the router's cannot be made again.
    assert within(20, lambda: not any(links.links(each.namespace, "eth0") for each in (a, b)))

    def repaired() -> bool:
        world.reconciler.audit_now()
        outcome = world.reconciler.keep()
        return outcome is not None and not outcome.failed

    assert within(20, repaired)
    for server in (a, b):
        server.boot()
    assert a.can_reach(b)


def test_a_resolver_that_died_is_started_again(world: World) -> None:
    a, _, name = joined(world)
    resolvers = dns.Resolvers(world.place)
    for pid in resolvers.running(name):
        os.kill(pid, signal.SIGKILL)
    world.reconciler.audit_now()
    world.reconciler.keep()
    assert a.looks_up("beta") == ["10.0.2.5"]


def test_a_new_process_adopts_what_is_there(world: World) -> None:
    a, b, name = joined(world)
    resolver = dns.Resolvers(world.place).running(name)
    zones = {link["ifname"]: link["group"] for link in links.links(links.fabric(world.place))}
    world.allow(a.port.groups[0], protocol="tcp", low=7, high=7)
    world.follow()
    with a.echoing(7), b.connected(a.address, 7) as client:
        assert client.answers(b"one")
        world.reconciler = Reconciler(world.place)
        world.start()
        assert client.answers(b"two")
    assert {link["ifname"]: link["group"] for link in links.links(links.fabric(world.place))} == zones
    assert dns.Resolvers(world.place).running(name) == resolver


def test_a_failure_in_one_router_does_not_stop_the_others(world: World) -> None:
    a, b, _ = joined(world)
    three = world.network("10.0.3.0/24")
    broken = world.router(three)
    port = next(port for port in world.ports.values() if port.device == broken.id)
    world.change(port, mac="01:00:00:00:00:01")  # no interface can have a multicast address
    four = world.network("10.0.4.0/24")
    c = world.server(four, "10.0.4.5", groups=a.port.groups)
    other = world.router(four)
    world.interface(other, three)
    del world.ports[
        max(id_ for id_, each in world.ports.items() if each.device == other.id and each.network == three.id)
    ]
    outcome = world.reconciler.follow(world.snapshot())
    assert list(outcome.failed) == [f"router {broken.id}"]
    assert a.can_reach(b)
    assert c.pings("10.0.4.1")
    world.change(port, mac="fa:16:3e:00:99:01")
    world.follow()


def test_until_neutron_is_known_everything_is_closed(place: Place) -> None:
    world = World(place)
    net = world.network("10.0.1.0/24")
    a, b = (world.server(net, f"10.0.1.{n}", secured=False) for n in (5, 6))
    assert not a.can_reach(b)
    world.start()
    assert a.can_reach(b)


def test_what_neutron_forgot_disappears(world: World) -> None:
    joined(world)
    fabric = links.fabric(world.place)
    world.floating.clear()
    world.routers.clear()
    world.rules.clear()
    world.groups.clear()
    world.ports.clear()
    external = world.external.id
    world.subnets = {key: each for key, each in world.subnets.items() if each.network == external}
    world.networks = {external: world.external}
    world.follow()
    assert [link["ifname"] for link in links.links(fabric) if str(link["ifname"]).startswith("br-")] == [
        links.bridge(external)
    ]
    assert [name for name in links.namespaces(world.place) if "-r-" in name] == []


def test_sweep_leaves_nothing(world: World) -> None:
    _, _, name = joined(world)
    subprocess.run(["ip", "netns", "delete", name], timeout=10, check=True)  # its resolver lives on, unnamed
    sweep(world.place)
    assert links.namespaces(world.place) == []
    assert links.tables(world.place) == []
    assert not links.links(None, links.leg(world.place))
    every = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, timeout=10, check=True)
    assert world.place.tag not in every.stdout


def test_the_resolver_of_a_deleted_namespace_does_not_live_on(world: World) -> None:
    _, _, name = joined(world)
    subprocess.run(["ip", "netns", "delete", name], timeout=10, check=True)
    world.reconciler.keep()
    (only,) = dns.Resolvers(world.place).running(name)
    assert links.lives_in(only, name)
