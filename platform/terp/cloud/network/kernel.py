"""The few things that a network namespace must be entered for, and the reading and writing of its state."""

import ctypes
import json
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from terp.cloud.network.links import NAMESPACES, LinkError, inside, tool
from terp.cloud.network.routing import KernelRoute
from terp.cloud.place import Place
from terp.command import Command

CLONE_NEWNET = 0x4000_0000
ETH_P_ARP = 0x0806
NETLINK_NETFILTER = 12
NLM_F_REQUEST = 1
NFT_GET_GENERATION = (10 << 8) | 16
"""nfnetlink subsystem 10 (nftables), message NFT_MSG_GETGEN."""
NFTA_GEN_ID = 1
PROTOCOL = "212"
"""Origin of our routes (rtnetlink(7), rtm_protocol): others are left alone."""

OF_THE_KERNEL = "2"
"""Origin of the routes that come with addresses."""

_IP = Command(("ip",), timeout=20)
_LIBC = ctypes.CDLL(None, use_errno=True)


@contextmanager
def entered(namespace: str) -> Iterator[None]:
    """Let the calling thread act in a network namespace.

    Raises:
        OSError: there is no such namespace.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(NAMESPACES / namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)


def _setns(descriptor: int) -> None:
    if _LIBC.setns(descriptor, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def generation(namespace: str) -> int:
    """A number that changes with every change of the namespace's nftables rules, whoever makes it.

    Raises:
        OSError: there is no such namespace.
    """
    with entered(namespace), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as kernel:
        kernel.settimeout(5)
        kernel.bind((0, 0))
        kernel.send(struct.pack("=IHHIIBBH", 20, NFT_GET_GENERATION, NLM_F_REQUEST, 1, 0, 0, 0, 0))
        answer = kernel.recv(4096)
    at = 20
    while at + 4 <= len(answer):
        length, kind = struct.unpack_from("=HH", answer, at)
        if kind == NFTA_GEN_ID:
            return int(struct.unpack_from("!I", answer, at + 4)[0])
        at += max(4, (length + 3) & ~3)
    raise LinkError(f"the kernel does not tell the generation of the rules of {namespace}")


def load_rules(place: Place, namespace: str | None, rules: str) -> None:
    """Load a ruleset in one transaction: all of it or nothing.

    Raises:
        CommandError: the kernel refuses it.
    """
    nft = tool(place, "nft")
    (inside(namespace, nft) if namespace else nft).run("-f", "-", stdin=rules)


def announce(namespace: str, link: str, address: str) -> None:
    """Tell the neighbours on a link which MAC address an IPv4 address has now (RFC 5227, section 2.3)."""
    with entered(namespace), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, ETH_P_ARP) as wire:
        wire.bind((link, ETH_P_ARP))
        mac, own = wire.getsockname()[4], socket.inet_aton(address)
        frame = b"\xff" * 6 + mac + struct.pack("!HHHBBH", ETH_P_ARP, 1, 0x0800, 6, 4, 1)
        wire.send(frame + mac + own + b"\0" * 6 + own)


def addresses(namespace: str | None) -> dict[str, frozenset[str]]:
    """Each link of a namespace with its addresses and prefix lengths, less those that it gave itself."""
    where = ("-n", namespace) if namespace else ()
    found = json.loads(_IP.output(*where, "-j", "addr", "show") or "[]")
    return {
        link["ifname"]: frozenset(
            f"{each['local']}/{each['prefixlen']}"
            for each in link["addr_info"]
            if (each["family"], each["scope"]) != ("inet6", "link") and each["scope"] != "host"
        )
        for link in found
        if link
    }


def routes(namespace: str) -> tuple[frozenset[KernelRoute], frozenset[KernelRoute]]:
    """Our routes of a namespace, and those that the kernel made for its addresses."""
    ours, kernels = set(), set()
    for family in ("-4", "-6"):
        for each in json.loads(_IP.output("-n", namespace, "-N", family, "-j", "route", "show") or "[]"):
            route = KernelRoute(
                destination=_prefix(each["dst"], family), nexthop=each.get("gateway"), link=each["dev"]
            )
            if each.get("protocol") == PROTOCOL:
                ours.add(route)
            elif each.get("protocol") == OF_THE_KERNEL:
                kernels.add(route)
    return frozenset(ours), frozenset(kernels)


def _prefix(destination: str, family: str) -> str:
    if destination == "default":
        return "0.0.0.0/0" if family == "-4" else "::/0"
    if "/" in destination:
        return destination
    return f"{destination}/{32 if family == '-4' else 128}"


def change_addresses(namespace: str | None, link: str, have: frozenset[str], want: frozenset[str]) -> None:
    """Give a link exactly the wanted addresses."""
    lines = [
        f"addr replace {each} dev {link} nodad" if ":" in each else f"addr replace {each} dev {link}"
        for each in sorted(want - have)
    ]
    lines += [f"addr delete {each} dev {link}" for each in sorted(have - want)]
    batch(namespace, lines)


def change_routes(namespace: str, have: frozenset[KernelRoute], want: frozenset[KernelRoute]) -> None:
    """Make our routes the wanted ones."""
    batch(namespace, [f"route delete {_route(each)}" for each in have - want])
    batch(namespace, [f"route replace {_route(each)}" for each in want - have])


def _route(route: KernelRoute) -> str:
    through = f"via {route.nexthop} " if route.nexthop else ""
    onlink = " onlink" if route.nexthop else ""
    return f"{route.destination} {through}dev {route.link} proto {PROTOCOL}{onlink}"


def batch(namespace: str | None, lines: list[str]) -> None:
    """Run `ip` commands in one process.

    Raises:
        CommandError: one of them failed; those after it were not run.
    """
    if lines:
        where = ("-n", namespace) if namespace else ()
        _IP.run(*where, "-batch", "-", stdin="\n".join(lines) + "\n")
