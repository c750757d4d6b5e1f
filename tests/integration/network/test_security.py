from socket import SOCK_DGRAM

import pytest

from terp.cloud.network.model import AddressGroup, AddressPair
from tests.integration.network import frames
from tests.integration.network.world import Server, World

pytestmark = pytest.mark.hosts

OUT = {"direction": "egress"}


def pair(world: World, *cidrs: str, **more: object) -> tuple[Server, Server]:
    """Two servers of one network: the first may send anything, nobody may come in."""
    net = world.network(*cidrs or ("10.0.1.0/24", "fd00:1::/64"))
    group = world.group(OUT, {**OUT, "ethertype": "IPv6"})
    first = world.server(net, "10.0.1.5", "fd00:1::5", groups=(group,))
    second = world.server(net, "10.0.1.6", "fd00:1::6", groups=(world.group(),))
    world.follow()
    return first, second


def inward(world: World, server: Server, **rule: object) -> None:
    world.allow(server.port.groups[0], **rule)
    world.follow()


def test_nothing_comes_in_that_no_rule_allows(world: World) -> None:
    a, b = pair(world)
    assert not a.can_reach(b)
    assert not a.can_reach(b, address=b.address6)
    assert not a.pings(b.address)
    assert not a.pings(b.address6)


def test_nothing_goes_out_that_no_rule_allows(world: World) -> None:
    a, b = pair(world)
    inward(world, a, protocol="tcp")
    assert not b.can_reach(a)
    world.allow(b.port.groups[0], direction="egress", protocol="tcp", low=80, high=80)
    world.follow()
    assert b.can_reach(a, 80)
    assert not b.can_reach(a, 81)


def test_a_port_without_groups_neither_sends_nor_receives(world: World) -> None:
    a, b = pair(world)
    world.change(a.port, groups=())
    world.follow()
    assert not a.can_reach(b)
    assert not b.can_reach(a)


def test_answers_come_back_without_a_rule_of_their_own(world: World) -> None:
    a, b = pair(world)
    inward(world, b, protocol="tcp", low=80, high=80)
    assert a.can_reach(b, 80)


def test_ports_are_matched_exactly(world: World) -> None:
    a, b = pair(world)
    inward(world, b, protocol="tcp", low=8080, high=8082)
    assert [port for port in (8079, 8080, 8082, 8083) if a.can_reach(b, port)] == [8080, 8082]
    assert not a.can_reach(b, 8080, b.address6)
    inward(world, b, protocol="tcp", low=8080, high=8082, ethertype="IPv6")
    assert a.can_reach(b, 8080, b.address6)


def test_icmp_is_matched_by_type(world: World) -> None:
    a, b = pair(world)
    inward(world, b, protocol="icmp", low=3)
    assert not a.pings(b.address)
    inward(world, b, protocol="icmp", low=8, high=0)
    assert a.pings(b.address)
    assert not a.pings(b.address6)
    inward(world, b, protocol="ipv6-icmp", ethertype="IPv6")
    assert a.pings(b.address6)


def test_protocols_are_matched_by_number(world: World) -> None:
    a, b = pair(world)

    def arrives(protocol: int) -> bool:
        with b.listening() as seen:
            a.send_frame(
                frames.ethernet(
                    b.port.mac,
                    a.port.mac,
                    0x0800,
                    frames.ipv4(a.address, b.address, protocol, b"\0\0\x08\0payload of it"),
                )
            )
        return any(b"payload of it" in frame for frame in seen)

    inward(world, b, protocol="112")
    assert arrives(112)
    assert not arrives(113)
    inward(world, b, protocol="gre")
    assert arrives(47)


def test_a_remote_prefix_limits_who_may_come(world: World) -> None:
    a, b = pair(world)
    inward(world, b, prefix="10.0.1.6/31")
    assert not a.can_reach(b)
    inward(world, b, prefix="10.0.1.4/31")
    assert a.can_reach(b)


def test_a_remote_group_lets_its_members_in_and_follows_them(world: World) -> None:
    net = world.network("10.0.1.0/24", "fd00:1::/64")
    group, out = world.default_group(), world.group(OUT, {**OUT, "ethertype": "IPv6"})
    a = world.server(net, "10.0.1.5", "fd00:1::5", groups=(group,))
    b = world.server(net, "10.0.1.6", "fd00:1::6", groups=(group,))
    c = world.server(net, "10.0.1.7", "fd00:1::7", groups=(out,))
    world.follow()
    assert b.can_reach(a)
    assert b.can_reach(a, address=a.address6)
    assert not c.can_reach(a)
    world.change(c.port, groups=(group,))
    world.follow()
    assert c.can_reach(a)
    world.change(b.port, groups=(out,))
    world.follow()
    assert not b.can_reach(a)


def test_a_remote_group_works_through_a_router(world: World) -> None:
    one, two = world.network("10.0.1.0/24"), world.network("10.0.2.0/24")
    group = world.default_group()
    a = world.server(one, "10.0.1.5", groups=(group,))
    b = world.server(two, "10.0.2.5", groups=(group,))
    c = world.server(two, "10.0.2.6", groups=(world.open_group(),))
    world.router(one, two)
    world.follow()
    assert b.can_reach(a)
    assert not c.can_reach(a)


def test_an_address_group_stands_for_its_addresses(world: World) -> None:
    a, b = pair(world)
    world.address_groups = [
        AddressGroup(id="7f1c9a52-0000-4000-8000-000000000001", addresses=("10.0.1.0/29",))
    ]
    inward(world, b, remote_addresses="7f1c9a52-0000-4000-8000-000000000001")
    assert a.can_reach(b)
    world.address_groups = [
        AddressGroup(id="7f1c9a52-0000-4000-8000-000000000001", addresses=("10.0.1.8/32",))
    ]
    world.follow()
    assert not a.can_reach(b)


def test_removing_a_rule_ends_the_connections_it_had_allowed(world: World) -> None:
    a, b = pair(world)
    inward(world, b, protocol="tcp", low=7, high=7)
    with b.echoing(7) as got, a.connected(b.address, 7) as client:
        assert client.answers(b"one")
        kept, world.rules = world.rules, [rule for rule in world.rules if rule.protocol != "tcp"]
        world.follow()
        assert not client.answers(b"two")
        assert got == [b"one"]
        world.rules = kept
        world.follow()
        assert client.answers(b"twothree", 5) or got[-1] != b"one"  # TCP repeats what was lost


def test_other_changes_leave_connections_alone(world: World) -> None:
    a, b = pair(world)
    inward(world, b, protocol="tcp", low=7, high=7)
    with b.echoing(7), a.connected(b.address, 7) as client:
        assert client.answers(b"one")
        inward(world, b, protocol="udp")
        world.server(world.networks[b.port.network], "10.0.1.9", groups=b.port.groups)
        world.network("10.0.9.0/24")
        world.follow()
        assert client.answers(b"two")


def test_stateless_groups_know_no_connections(world: World) -> None:
    a, b = pair(world)
    stateless = world.group({"protocol": "tcp", "low": 80, "high": 80}, stateful=False)
    world.change(b.port, groups=(stateless,))
    world.follow()
    assert not a.can_reach(b)
    world.allow(stateless, direction="egress", protocol="tcp")
    world.follow()
    assert a.can_reach(b)


def test_a_port_without_port_security_is_free(world: World) -> None:
    a, b = pair(world)
    world.change(b.port, secured=False, groups=())
    world.follow()
    assert a.can_reach(b)
    assert a.pings(b.address)
    b.ip("addr", "add", "10.0.1.77/24", "dev", "eth0")
    inward(world, a, protocol="tcp")
    assert b.can_reach(a, source="10.0.1.77")


def test_a_port_that_is_down_is_cut_off(world: World) -> None:
    a, b = pair(world)
    inward(world, b)
    assert a.can_reach(b)
    world.change(b.port, up=False)
    world.follow()
    assert not a.can_reach(b)


def test_a_port_that_neutron_does_not_know_is_closed(world: World) -> None:
    a, b = pair(world)
    inward(world, b)
    del world.ports[a.port.id]
    world.follow()
    assert not a.can_reach(b)


def test_tenants_with_the_same_addresses_never_meet(world: World) -> None:
    a, b = pair(world)
    inward(world, b)
    other = world.network("10.0.1.0/24", "fd00:1::/64")
    c = world.server(other, "10.0.1.5", "fd00:1::5", groups=(world.open_group(),))
    d = world.server(other, "10.0.1.6", "fd00:1::6", groups=(world.group(),))
    world.follow()
    with b.serving(80), d.serving(80):
        assert a.reaches("10.0.1.6") == b.namespace
        assert c.reaches("10.0.1.6") == ""
    inward(world, d, protocol="tcp", low=81, high=81)
    with b.serving(81), d.serving(81), a.connected("10.0.1.6", 81):
        assert (
            c.reaches("10.0.1.6", 81) == d.namespace
        )  # also with the same pair of addresses at the same time


def test_tenants_with_the_same_addresses_and_routers_are_told_apart(world: World, outside: Server) -> None:
    servers = []
    for number in (10, 11):
        net = world.network("10.0.1.0/24")
        server = world.server(net, "10.0.1.5", groups=(world.open_group(),))
        world.float(world.router(net, gateway=world.outer(number)), world.outer(number + 10), server)
        servers.append(server)
    world.follow()
    with servers[0].serving(80), servers[1].serving(80):
        assert outside.reaches(world.outer(20)) == servers[0].namespace
        assert outside.reaches(world.outer(21)) == servers[1].namespace
        assert servers[0].reaches(world.outer(21)) == servers[1].namespace


def test_an_address_pair_is_honoured_both_ways(world: World) -> None:
    a, b = pair(world)
    inward(world, a, protocol="tcp")
    world.allow(b.port.groups[0], direction="egress")
    b.ip("addr", "add", "10.0.1.100/24", "dev", "eth0")
    world.follow()
    assert not b.can_reach(a, source="10.0.1.100")
    world.change(b.port, pairs=(AddressPair(mac=b.port.mac, cidr="10.0.1.100"),))
    inward(world, b, protocol="tcp")
    assert b.can_reach(a, source="10.0.1.100")
    assert a.can_reach(b, address="10.0.1.100")


def test_a_pod_network_passes_by_the_rules_of_its_owner(world: World) -> None:
    net = world.network("10.0.1.0/24")
    group = world.default_group()
    a, b = (world.server(net, f"10.0.1.{n}", groups=(group,)) for n in (5, 6))
    for number, (server, other) in enumerate(((a, b), (b, a))):
        world.change(server.port, pairs=(AddressPair(mac=server.port.mac, cidr="10.233.0.0/16"),))
        server.ip("addr", "add", f"10.233.{number}.1/32", "dev", "lo")
        server.ip("route", "add", f"10.233.{1 - number}.0/24", "via", other.address)
    world.follow()
    assert a.can_reach(b, address="10.233.1.1", source="10.233.0.1")
    assert b.can_reach(a, address="10.233.0.1", source="10.233.1.1")
    world.rules = [rule for rule in world.rules if rule.direction == "egress"]
    world.follow()
    assert not a.can_reach(b, address="10.233.1.1", source="10.233.0.1")


def test_a_virtual_router_address_may_have_its_own_mac(world: World) -> None:
    a, b = pair(world)
    virtual, address = "00:00:5e:00:01:2a", "10.0.1.200"
    world.change(b.port, pairs=(AddressPair(mac=virtual, cidr=address),))
    inward(world, b, protocol="tcp")
    b.ip("link", "add", "vrrp", "address", virtual, "type", "bridge", "forward_delay", "0")
    b.ip("link", "set", "eth0", "master", "vrrp")
    b.ip("addr", "flush", "dev", "eth0")
    b.ip("addr", "add", f"{address}/24", "dev", "vrrp")
    b.ip("link", "set", "vrrp", "up")
    assert a.can_reach(b, address=address)


def arrives(sender: Server, receiver: Server, frame: bytes) -> bool:
    with receiver.listening() as seen:
        sender.send_frame(frame)
    return any(frame[12:] in each or each[12:] == frame[12:] for each in seen)


def test_what_a_port_may_not_send_does_not_arrive(world: World) -> None:
    a, b = pair(world)
    inward(world, b)
    inward(world, b, ethertype="IPv6")
    to, own, other = b.port.mac, a.port.mac, "fa:16:3e:77:77:77"
    packet = frames.ipv4(a.address, b.address, 17, frames.udp(9, 9, b"x"))
    packet6 = frames.ipv6(a.address6, b.address6, 17, frames.udp(9, 9, b"x"))
    link6 = "fe80::f816:3eff:fe00:1"
    advert = frames.mac(own)
    allowed = {
        "its own": frames.ethernet(to, own, 0x0800, packet),
        "its own, IPv6": frames.ethernet(to, own, 0x86DD, packet6),
        "ARP": frames.ethernet(frames.EVERYBODY, own, 0x0806, frames.arp(own, a.address, b.address)),
        "ARP probe": frames.ethernet(frames.EVERYBODY, own, 0x0806, frames.arp(own, "0.0.0.0", b.address)),
        "neighbour": frames.ethernet(
            to,
            own,
            0x86DD,
            frames.icmpv6_packet(a.address6, b.address6, 136, frames.neighbour(a.address6, advert)),
        ),
    }
    refused = {
        "another's MAC": frames.ethernet(to, other, 0x0800, packet),
        "another's address": frames.ethernet(
            to, own, 0x0800, frames.ipv4("10.0.1.9", b.address, 17, frames.udp(9, 9, b"x"))
        ),
        "another's IPv6 address": frames.ethernet(
            to, own, 0x86DD, frames.ipv6("fd00:1::9", b.address6, 17, frames.udp(9, 9, b"x"))
        ),
        "another's link-local address": frames.ethernet(
            to, own, 0x86DD, frames.ipv6("fe80::9", b.address6, 17, frames.udp(9, 9, b"x"))
        ),
        "ARP for another's address": frames.ethernet(
            frames.EVERYBODY, own, 0x0806, frames.arp(own, "10.0.1.1", b.address, 2)
        ),
        "ARP with another's MAC": frames.ethernet(to, own, 0x0806, frames.arp(other, a.address, b.address)),
        "neighbour advertisement for another": frames.ethernet(
            to,
            own,
            0x86DD,
            frames.icmpv6_packet(a.address6, b.address6, 136, frames.neighbour("fd00:1::1", advert)),
        ),
        "router advertisement": frames.ethernet(
            "33:33:00:00:00:01",
            own,
            0x86DD,
            frames.icmpv6_packet(link6, "ff02::1", 134, b"\x40\0\0\xff" + b"\0" * 8),
        ),
        "router advertisement behind a header": frames.ethernet(
            "33:33:00:00:00:01",
            own,
            0x86DD,
            frames.ipv6(
                link6,
                "ff02::1",
                0,
                b"\x3a\0\1\4\0\0\0\0" + frames.icmpv6(link6, "ff02::1", 134, b"\x40\0\0\xff" + b"\0" * 8),
            ),
        ),
        "redirect": frames.ethernet(
            to, own, 0x86DD, frames.icmpv6_packet(link6, b.address6, 137, b"\0" * 36)
        ),
        "DHCP offer": frames.ethernet(
            to, own, 0x0800, frames.ipv4(a.address, b.address, 17, frames.udp(67, 68, b"offer"))
        ),
        "DHCPv6 advertisement": frames.ethernet(
            to, own, 0x86DD, frames.ipv6(a.address6, b.address6, 17, frames.udp(547, 546, b"offer"))
        ),
        "VLAN tag": frames.ethernet(to, own, 0x8100, b"\0\5\x08\0" + packet),
        "VLAN tag around ARP": frames.ethernet(
            frames.EVERYBODY, own, 0x8100, b"\0\0\x08\x06" + frames.arp(own, "10.0.1.1", b.address)
        ),
        "802.1ad tag": frames.ethernet(to, own, 0x88A8, b"\0\5\x08\0" + packet),
        "PPPoE": frames.ethernet(to, own, 0x8864, b"\x11\0\0\1\0\x22\0\x21" + packet),
        "spanning tree": frames.ethernet("01:80:c2:00:00:00", own, 38, b"\x42\x42\x03" + b"\0" * 35),
    }
    assert [name for name, frame in allowed.items() if not arrives(a, b, frame)] == []
    assert [name for name, frame in refused.items() if arrives(a, b, frame)] == []


def test_a_frame_for_another_port_is_not_seen(world: World) -> None:
    a, b = pair(world)
    c = world.server(world.networks[a.port.network], "10.0.1.7", groups=(world.open_group(),))
    inward(world, b)
    stray = frames.ethernet(
        "fa:16:3e:12:34:56",
        a.port.mac,
        0x0800,
        frames.ipv4(a.address, "10.0.1.7", 17, frames.udp(9, 9, b"stray")),
    )
    assert not arrives(a, c, stray)


def test_fragments_pass_and_are_filtered_as_one_packet(world: World) -> None:
    a, b = pair(world)
    inward(world, b, protocol="udp", low=5000, high=5000)
    for port, expected in ((5000, True), (5001, False)):
        receiver = b.socket(SOCK_DGRAM)
        receiver.bind(("", port))
        sender = a.socket(SOCK_DGRAM)
        sender.sendto(b"x" * 4000, (b.address, port))
        try:
            got = len(receiver.recv(9000)) == 4000
        except TimeoutError:
            got = False
        assert got is expected
        receiver.close()
        sender.close()
