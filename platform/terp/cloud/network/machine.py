"""The machine's own leg in the external network: how people and programs on the machine reach the servers.

Servers reach nothing of the machine through it but what is listed; the machine's settings stay as they are.
"""

import json
from collections.abc import Iterable
from ipaddress import ip_network

from terp.cloud.network.kernel import addresses, change_addresses, load_rules
from terp.cloud.network.links import bridge, ensure_fabric, leg, links, tool
from terp.cloud.place import Place
from terp.command import Command
from terp.errors import TerpError

FABRIC_END = "leg"
"""The other end of the leg, in the fabric."""
PROXY_PORT = 3128
"""TCP port of the forward proxy on the leg."""
MIRROR_PORT = 3129
"""TCP port of an offline mirror on the leg, where one is served (`terp mirror --serve`)."""

_IP = Command(("ip",), timeout=20)


def leg_address(cidr: str) -> str:
    """The machine's address in the external network, with prefix length."""
    network = ip_network(cidr)
    return f"{network[1]}/{network.prefixlen}"


def check_external(cidr: str) -> None:
    """Refuse an external network that this machine already reaches in some other way.

    Raises:
        TerpError: addresses of it are routed here.
    """
    wanted = ip_network(cidr)
    family = "-4" if wanted.version == 4 else "-6"
    for route in json.loads(_IP.output(family, "-j", "route", "show", "table", "all") or "[]"):
        if route["dst"] in ("default", "0.0.0.0/0", "::/0") or route.get("type") in (
            "multicast",
            "broadcast",
        ):
            continue
        there = ip_network(route["dst"], strict=False)
        if there.version == wanted.version and there.overlaps(wanted):
            raise TerpError(
                f"the external network {cidr} collides with {route['dst']}, "
                f"which this machine reaches through {route.get('dev', 'a route of its own')}",
                hint="choose another range for external_network.cidr, or stop the other cloud that uses it",
                exit_code=2,
            )


def ensure_leg(place: Place, network: str | None, more: Iterable[str] = ()) -> bool:
    """Give the machine its link into the external network. Returns whether anything was changed.

    `network` is the external network's id, None as long as it is not known; `more` are addresses beside the
    one that the place names.

    Raises:
        TerpError: the external network collides with another way of the machine.
    """
    here, there = leg(place), ensure_fabric(place)
    changed = False
    near, far = links(None, here), links(there, FABRIC_END)
    if not (near and far and near[0].get("link_index") == far[0]["ifindex"]):
        for namespace, name in ((None, here), (there, FABRIC_END)):
            _IP.run(*(("-n", namespace) if namespace else ()), "link", "delete", name, check=False)
        check_external(place.external_cidr)
        _IP.run("link", "add", here, "type", "veth", "peer", "name", FABRIC_END, "netns", there)
        far, changed = links(there, FABRIC_END), True
    if network and (far[0].get("master") != bridge(network) or "UP" not in _flags(far[0])):
        _IP.run("-n", there, "link", "set", FABRIC_END, "master", bridge(network), "up")
        changed = True
    wanted = frozenset({leg_address(place.external_cidr), *more})
    have = addresses(None).get(here, frozenset())
    if have != wanted or "UP" not in _flags((links(None, here) or [{}])[0]):
        _IP.run("link", "set", here, "up")
        change_addresses(None, here, have, wanted)
        changed = True
    return changed


def _flags(link: dict[str, object]) -> list[str]:
    flags = link.get("flags", [])
    return flags if isinstance(flags, list) else []


def guard(place: Place) -> str:
    """The machine's ruleset: servers get replies, may ping, and reach its proxy, its mirror and its APIs."""
    table, here = f"inet {place.tag}_machine", leg(place)
    listed = ", ".join(map(str, sorted({PROXY_PORT, MIRROR_PORT, *place.apis.values()})))
    return "\n".join(
        [
            f"table {table}",
            f"delete table {table}",
            f"table {table} {{",
            "chain inbound {",
            "type filter hook input priority -5; policy accept;",
            f'iifname != "{here}" accept',
            "ct state established,related accept",
            "meta l4proto { icmp, ipv6-icmp } accept",
            f"ip daddr {place.machine} tcp dport {{ {listed} }} accept",
            "reject",
            "}",
            "chain through {",  # the machine may be a router for others, but is none for servers
            "type filter hook forward priority -5; policy accept;",
            f'iifname != "{here}" accept',
            "ct state established,related accept",
            "reject",
            "}",
            "}",
            "",
        ]
    )


def ensure_guard(place: Place, rules: str) -> None:
    """Load the machine's ruleset."""
    load_rules(place, None, rules)


def listed_guard(place: Place) -> str:
    """The machine's ruleset as the kernel has it; empty when it is not there."""
    return tool(place, "nft").run("-s", "list", "table", "inet", f"{place.tag}_machine", check=False).stdout
