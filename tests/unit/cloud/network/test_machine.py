from collections.abc import Callable
from pathlib import Path

import pytest

from terp.cloud.network import front, machine, proxy
from terp.cloud.place import Place
from terp.errors import TerpError

PLACE = Place(root=Path("/nowhere"), tag="t1234", packages=Path("/nowhere"), external_cidr="203.0.113.0/24")
ROUTES = (
    '[{"dst": "default", "dev": "eth0"}, {"dst": "192.0.2.0/24", "dev": "eth0"},'
    ' {"dst": "203.0.113.7", "dev": "tun0"}, {"type": "broadcast", "dst": "198.51.100.255", "dev": "lo"}]'
)


class Answers:
    """Stands for the `ip` program."""

    def output(self, *_: object) -> str:
        return ROUTES


@pytest.mark.parametrize(("cidr", "through"), [("192.0.2.128/25", "eth0"), ("203.0.113.0/24", "tun0")])
def test_an_external_network_that_is_routed_already_is_refused(
    monkeypatch: pytest.MonkeyPatch, cidr: str, through: str
) -> None:
    monkeypatch.setattr(machine, "_IP", Answers())
    with pytest.raises(TerpError, match=f"collides with .* reaches through {through}") as caught:
        machine.check_external(cidr)
    assert caught.value.exit_code == 2


def test_a_free_external_network_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_IP", Answers())
    machine.check_external("198.51.100.0/24")


def test_the_machine_has_the_first_address() -> None:
    assert machine.leg_address("198.51.100.128/25") == "198.51.100.129/25"


def test_the_guard_lets_servers_to_proxy_mirror_and_apis() -> None:
    shown = PLACE.model_copy(update={"apis": {"keystone": 5000}})
    assert "ip daddr 203.0.113.1 tcp dport { 3128, 3129, 5000 } accept" in machine.guard(shown)
    assert "tcp dport { 3128, 3129 } accept" in machine.guard(PLACE)


def test_servers_reach_the_apis_at_the_machine_s_leg(golden: Callable[[str, str], None]) -> None:
    shown = PLACE.model_copy(update={"apis": {"keystone": 20_000, "nova": 20_001}})
    golden("front.cfg", front.render(shown))


def test_a_cloud_of_records_shows_no_api() -> None:
    assert front.argv(PLACE) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mirror.example.org", r"^mirror\.example\.org\.?$"),
        ("Mirror.Example.org.", r"^mirror\.example\.org\.?$"),
        ("*.example.org", r"^([^.]+\.)+example\.org\.?$"),
        (".example.org", r"^([^.]+\.)+example\.org\.?$"),
    ],
)
def test_allowed_names_become_anchored_patterns(name: str, expected: str) -> None:
    assert proxy.pattern(name) == expected


@pytest.mark.parametrize(
    "name", ["", "*", "a b", "http://mirror.example", "mirror.example/path", "a..b", "-a.example"]
)
def test_what_is_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(TerpError, match="is not a host name"):
        proxy.pattern(name)


def test_without_an_allowed_name_there_is_no_proxy() -> None:
    assert proxy.argv(PLACE, []) == []
