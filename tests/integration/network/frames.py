"""Ethernet frames for the tests of what a port may send."""

import struct
from ipaddress import IPv4Address, IPv6Address

EVERYBODY = "ff:ff:ff:ff:ff:ff"


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def ethernet(to: str, sender: str, kind: int, payload: bytes) -> bytes:
    return mac(to) + mac(sender) + struct.pack("!H", kind) + payload


def checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source: str, to: str, protocol: int, payload: bytes) -> bytes:
    ends = IPv4Address(source).packed + IPv4Address(to).packed
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, 64, protocol, 0) + ends
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(source: str, to: str, following: int, payload: bytes, hops: int = 255) -> bytes:
    ends = IPv6Address(source).packed + IPv6Address(to).packed
    return struct.pack("!IHBB", 6 << 28, len(payload), following, hops) + ends + payload


def udp(source: int, to: int, payload: bytes) -> bytes:
    return struct.pack("!HHHH", source, to, 8 + len(payload), 0) + payload


def icmpv6(source: str, to: str, kind: int, body: bytes) -> bytes:
    ends = IPv6Address(source).packed + IPv6Address(to).packed
    message = struct.pack("!BBH", kind, 0, 0) + body
    total = checksum(ends + struct.pack("!II", len(message), 58) + message)
    return message[:2] + struct.pack("!H", total) + message[4:]


def arp(sender: str, address: str, asks_for: str, operation: int = 1) -> bytes:
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    return head + mac(sender) + IPv4Address(address).packed + b"\0" * 6 + IPv4Address(asks_for).packed


def icmpv6_packet(source: str, to: str, kind: int, body: bytes) -> bytes:
    return ipv6(source, to, 58, icmpv6(source, to, kind, body))


def neighbour(target: str, link_address: bytes) -> bytes:
    """Body of a neighbour advertisement: override flag, target, target link-layer address."""
    return b"\x20\0\0\0" + IPv6Address(target).packed + b"\2\1" + link_address
