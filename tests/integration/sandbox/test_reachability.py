"""Who reaches whom: the security groups, tried from where traffic would come."""

import socket

import pytest

from tests.integration.sandbox.site import Site

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools]

SERVED = (6443, 8080, 9000)
BASTION, CONTROL_PLANE, CPU, STORE = "site-bastion", "site-control-plane-0", "site-cpu-0", "site-store-0"
MATRIX = [
    # from, to, port, whether it is let in
    (BASTION, CONTROL_PLANE, 22, True),
    (BASTION, CPU, 22, True),
    (BASTION, CPU, 8080, True),  # the pool's own rule
    (BASTION, CPU, 9000, False),
    (BASTION, STORE, 8080, False),
    (BASTION, CONTROL_PLANE, 6443, False),
    (CPU, CONTROL_PLANE, 6443, True),
    (CPU, STORE, 9000, True),
    (CONTROL_PLANE, CPU, 9000, True),
    (STORE, "site-cpu-1", 8080, True),
    (CPU, BASTION, 9000, False),
    (CPU, BASTION, 22, True),  # SSH to the bastion is let in from everywhere
]


@pytest.fixture(scope="module")
def served(site: Site) -> Site:
    """On every host something listens on each of the ports, IPv4 and IPv6."""
    for name in site.hosts:
        for port in SERVED:
            serve = f"systemd-run --quiet --unit=serve-{port} python3 -m http.server --bind :: {port}"
            with site.remote(name).sudo():
                site.remote(name).check_output(serve)
        for port in SERVED:
            site.remote(name).check_output(
                f"timeout 20 bash -c 'until (: </dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.2; done'"
            )
    return site


def opens(site: Site, source: str, address: object, port: int) -> bool:
    return bool(site.remote(source).run(f"timeout 3 bash -c ': </dev/tcp/{address}/{port}'").succeeded)


@pytest.mark.parametrize(("source", "target", "port", "allowed"), MATRIX)
def test_traffic_is_let_in_or_not(served: Site, source: str, target: str, port: int, allowed: bool) -> None:
    assert opens(served, source, served.hosts[target].address, port) is allowed


@pytest.mark.parametrize(
    ("source", "target", "port", "allowed"), [row for row in MATRIX if row[1] != BASTION and row[2] == 9000]
)
def test_ipv6_is_held_to_the_same(served: Site, source: str, target: str, port: int, allowed: bool) -> None:
    assert opens(served, source, served.hosts[target].address_ipv6, port) is allowed


def test_the_storage_network_joins_those_that_are_in_it(served: Site) -> None:
    other = served.hosts["site-cpu-1"].additional_addresses["storage"]
    assert opens(served, CPU, other, 9000)
    assert not opens(served, STORE, other, 9000)


def test_from_outside_only_the_bastions_ssh_answers(served: Site) -> None:
    bastion = str(served.hosts[BASTION].floating_ip)
    with socket.create_connection((bastion, 22), 5) as opened:
        assert opened.recv(4) == b"SSH-"
    for port in SERVED:
        with pytest.raises(TimeoutError):
            socket.create_connection((bastion, port), 2)
