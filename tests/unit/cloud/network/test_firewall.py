from collections.abc import Callable
from ipaddress import IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cloud.network.snapshots import GROUP, LISTED, SERVER, SMALL, prefixes, rules, snapshots

from terp.cloud.network.firewall import collapsed, firewall, link_local, match, protocol_number, sources
from terp.cloud.network.model import AddressPair, Rule
from terp.cloud.network.plan import numbered, zoned


def ruleset(snapshot: object = SMALL) -> str:
    return firewall(snapshot, numbered(snapshot, {}), zoned(snapshot, {}), legs=("leg",))  # type: ignore[arg-type]


def test_the_ruleset_of_a_small_cloud(golden: Callable[[str, str], None]) -> None:
    golden("network/fabric.nft", ruleset())


@given(snapshots())
def test_the_same_snapshot_gives_the_same_ruleset_in_any_order(snapshot: object) -> None:
    turned = snapshot.model_copy(  # type: ignore[attr-defined]
        update={
            name: tuple(reversed(getattr(snapshot, name)))
            for name in ("ports", "rules", "networks", "groups")
        }
    )
    assert ruleset(snapshot) == ruleset(turned)


@given(rules())
def test_a_rule_never_allows_more_than_its_family(rule: Rule) -> None:
    for line in match(rule):
        assert line.startswith(f"meta nfproto {rule.ethertype.lower()} ")
        assert line.endswith(" accept")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, "meta nfproto ipv4 accept"),
        ({"protocol": "tcp", "low": 22, "high": 22}, "meta nfproto ipv4 meta l4proto 6 th dport 22 accept"),
        ({"protocol": "132", "low": 5, "high": 7}, "meta nfproto ipv4 meta l4proto 132 th dport 5-7 accept"),
        (
            {"protocol": "icmp", "low": 3, "high": 4},
            "meta nfproto ipv4 meta l4proto 1 @th,0,8 3 @th,8,8 4 accept",
        ),
        ({"protocol": "0"}, "meta nfproto ipv4 accept"),
        ({"protocol": "vrrp"}, "meta nfproto ipv4 meta l4proto 112 accept"),
        ({"prefix": "10.1.2.3/16"}, "meta nfproto ipv4 ip saddr 10.1.0.0/16 accept"),
        ({"prefix": "10.1.2.3"}, "meta nfproto ipv4 ip saddr 10.1.2.3/32 accept"),
        ({"prefix": "10.0.0.0/8", "direction": "egress"}, "meta nfproto ipv4 ip daddr 10.0.0.0/8 accept"),
        ({"prefix": "0.0.0.0/0"}, "meta nfproto ipv4 accept"),
        ({"remote_group": GROUP}, f"meta nfproto ipv4 ip saddr @members-{GROUP}-4 accept"),
        (
            {"remote_addresses": LISTED, "ethertype": "IPv6", "direction": "egress"},
            f"meta nfproto ipv6 ip6 daddr @addresses-{LISTED}-6 accept",
        ),
        ({"protocol": "icmp", "ethertype": "IPv6"}, "meta nfproto ipv6 meta l4proto 58 accept"),
    ],
)
def test_a_rule_is_translated(rule: dict[str, object], expected: str) -> None:
    base = {"group": GROUP, "direction": "ingress", "ethertype": "IPv4"}
    assert match(Rule.model_validate({**base, **rule})) == [expected]


@pytest.mark.parametrize("rule", [{"prefix": "fd00::/8"}, {"protocol": "no-such"}, {"protocol": "256"}])
def test_a_rule_that_makes_no_sense_allows_nothing(rule: dict[str, object]) -> None:
    base = {"group": GROUP, "direction": "ingress", "ethertype": "IPv4"}
    assert match(Rule.model_validate({**base, **rule})) == []


def test_protocols_are_names_or_numbers() -> None:
    assert [protocol_number(each) for each in (None, "any", "TCP", "17", "esp")] == [0, 0, 6, 17, 50]


def test_a_port_may_use_its_own_addresses_its_pairs_and_link_local_ones() -> None:
    port = next(each for each in SMALL.ports if each.id == SERVER)
    assert {mac: [str(prefix) for prefix in found] for mac, found in sources(port).items()} == {
        "00:00:5e:00:01:01": ["10.0.0.100/32", "fe80::200:5eff:fe00:101/128"],
        "fa:16:3e:00:00:05": ["10.0.0.5/32", "10.233.0.0/16", "fd00::5/128", "fe80::f816:3eff:fe00:5/128"],
    }


def test_a_pair_around_the_own_address_makes_no_overlap() -> None:
    port = next(each for each in SMALL.ports if each.id == SERVER)
    wide = port.model_copy(update={"pairs": (AddressPair(mac=port.mac, cidr="0.0.0.0/0"),)})
    assert [str(each) for each in sources(wide)[port.mac] if each.version == 4] == ["0.0.0.0/0"]


@given(st.lists(prefixes.map(lambda text: ip_network(text, strict=False))))
def test_collapsed_prefixes_are_disjoint_and_cover_the_same(every: list) -> None:  # type: ignore[type-arg]
    result = collapsed(every)
    for index, one in enumerate(result):
        assert not any(one.version == other.version and one.overlaps(other) for other in result[index + 1 :])
    for one in every:
        assert any(one.version == other.version and one.subnet_of(other) for other in result)


def test_link_local_addresses_are_those_of_the_kernel() -> None:
    assert link_local("fa:16:3e:00:00:01") == "fe80::f816:3eff:fe00:1"
    assert ip_network(link_local("02:00:00:00:00:00")).subnet_of(IPv6Network("fe80::/10"))
