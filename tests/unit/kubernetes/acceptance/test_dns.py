import struct
from contextlib import suppress
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.kubernetes.acceptance.dns import Answer, answer, question

ANSWERED = bytes.fromhex(  # as CoreDNS 1.15 writes it, with the name twice
    "00008500000100010000000001610664697265637404746573740000010001"
    "016106646972656374047465737400000100010000000500040a141e28"
)
FAILED = bytes.fromhex("00008102000100000000000001610664697265637404746573740000010001")
ALIAS = struct.pack("!2HIH", 5, 1, 5, 2) + b"\xc0\x0c"


def test_an_address_is_asked_for_as_the_rfc_says():
    asked = question("a.direct.test")
    assert asked[2:].hex() == "00000100000100000000000001610664697265637404746573740000010001"
    assert int.from_bytes(asked[:2], "big") == len(asked) - 2


def test_a_final_dot_changes_nothing():
    assert question("a.test.") == question("a.test")


def test_an_answer_has_its_addresses():
    assert answer(ANSWERED) == Answer(code="NOERROR", addresses=(IPv4Address("10.20.30.40"),))
    assert str(answer(ANSWERED)) == "NOERROR 10.20.30.40"


def test_a_failure_has_its_code():
    assert answer(FAILED) == Answer(code="SERVFAIL")


def test_names_may_be_pointers_and_other_records_are_passed_over():
    address = b"\xc0\x0c" + struct.pack("!2HIH", 1, 1, 5, 4) + bytes([10, 96, 0, 1])
    asked = question("a.test")[2 + 12 :]
    message = struct.pack("!6H", 0, 0x8500, 1, 2, 0, 0) + asked + b"\xc0\x0c" + ALIAS + address
    assert answer(message).addresses == (IPv4Address("10.96.0.1"),)


@given(st.binary(max_size=80))
def test_whatever_comes_is_an_answer_or_none(message):
    with suppress(ValueError):
        assert isinstance(answer(message), Answer)


@pytest.mark.parametrize("length", range(13, len(ANSWERED)))
def test_an_answer_that_is_cut_off_is_none(length):
    with pytest.raises(ValueError, match=r"cut off|IPv4"):
        answer(ANSWERED[:length])
