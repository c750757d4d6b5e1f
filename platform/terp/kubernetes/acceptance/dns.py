"""Questions and answers of the DNS over TCP (RFC 1035): what the checks send through pods."""

import struct
from ipaddress import IPv4Address

from terp.model import Model

ADDRESS, INTERNET = 1, 1
"""Type A, class IN."""
RECURSION = 0x0100
HEADER = struct.Struct("!6H")
CODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


class Answer(Model):
    """What a server said: its code, and the IPv4 addresses."""

    code: str
    addresses: tuple[IPv4Address, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.code, *map(str, self.addresses)])


def question(name: str) -> bytes:
    """The message that asks for the IPv4 addresses of a name, with its length before it."""
    labels = b"".join(bytes([len(each)]) + each.encode() for each in name.rstrip(".").split("."))
    message = HEADER.pack(0, RECURSION, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", ADDRESS, INTERNET)
    return struct.pack("!H", len(message)) + message


def answer(message: bytes) -> Answer:
    """A message, without its length, as it was meant.

    Raises:
        ValueError: it is no answer.
    """
    try:
        _, flags, questions, answers, _, _ = HEADER.unpack_from(message)
        place = HEADER.size
        for _ in range(questions):
            place = _after_name(message, place) + 4
        addresses = []
        for _ in range(answers):
            place = _after_name(message, place)
            kind, _, _, length = struct.unpack_from("!2HIH", message, place)
            place += 10
            if kind == ADDRESS:
                addresses.append(IPv4Address(message[place : place + length]))
            place += length
    except (struct.error, IndexError) as error:
        raise ValueError(f"cut off after {len(message)} bytes") from error
    return Answer(code=CODES.get(flags & 15, str(flags & 15)), addresses=tuple(addresses))


def _after_name(message: bytes, place: int) -> int:
    """Where a name ends: after a zero, or after a pointer to the rest of it."""
    while message[place]:
        if message[place] >= 0xC0:
            return place + 2
        place += message[place] + 1
    return place + 1
