"""The hosts' public keys on a console, as cloud-init prints them."""

import asyncio

import pytest

from terp.errors import TerpError
from terp.openstack import host_keys
from terp.openstack.host_keys import host_key, printed_key

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
ECDSA = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY="


def console(*keys: str, end: str = "-----END SSH HOST KEY KEYS-----\n") -> str:
    lines = "".join(f"{key} root@host\n" for key in keys)
    return f"[  OK  ] Reached target\n-----BEGIN SSH HOST KEY KEYS-----\n{lines}{end}"


def test_the_ed25519_key_is_taken_before_others() -> None:
    assert host_key(console(ECDSA, ED25519)) == ED25519


def test_another_key_is_taken_where_there_is_none() -> None:
    assert host_key(console(ECDSA)) == ECDSA


def test_a_block_that_is_not_complete_is_no_key_yet() -> None:
    assert host_key("") is None
    assert host_key(console(ED25519, end="")) is None
    assert host_key(console()) is None


def test_the_newest_block_counts() -> None:
    other = ED25519.replace("AAEC", "AAED")
    assert host_key(console(other) + "rebooted\n" + console(ED25519)) == ED25519


def test_a_console_with_carriage_returns_is_read_too() -> None:
    assert host_key(console(ED25519).replace("\n", "\r\n")) == ED25519


def test_it_is_waited_for_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_keys, "EVERY", 0.01)
    shown = iter(["", "booting", console(ED25519)])
    assert asyncio.run(printed_key("1", lambda _: next(shown))) == ED25519
    monkeypatch.setattr(host_keys, "PATIENCE", 0.05)
    with pytest.raises(TerpError, match="server 1 printed no SSH host key") as refused:
        asyncio.run(printed_key("1", lambda _: "nothing"))
    assert "openstack console log show 1" in refused.value.hint
