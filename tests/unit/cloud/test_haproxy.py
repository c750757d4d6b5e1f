"""HAProxy's configuration for a load balancer, and the reading of its statistics."""

from collections.abc import Callable
from pathlib import Path

from terp.cloud.balancer.haproxy import member_states, render
from terp.cloud.balancer.model import Listener, LoadBalancer, Member, Monitor, Pool

SOCKET = Path("/run/lb.sock")
API = LoadBalancer(
    id="lb",
    project="project",
    vip_port="port",
    listeners=(
        Listener(id="api", protocol="TCP", port=6443, pool="masters", connections=100),
        Listener(id="web", protocol="HTTP", port=80, pool="ingress", client_timeout=10_000),
        Listener(id="tls", protocol="HTTPS", port=443, pool="ingress-tls"),
        Listener(id="off", protocol="TCP", port=9, enabled=False),
    ),
    pools=(
        Pool(
            id="masters",
            protocol="TCP",
            algorithm="LEAST_CONNECTIONS",
            monitor=Monitor(type="TCP", delay=5, timeout=3, rise=2, fall=3),
            members=(
                Member(id="m1", address="10.0.0.1", port=6443),
                Member(id="m2", address="10.0.0.2", port=6443, weight=0, backup=True, enabled=False),
            ),
        ),
        Pool(
            id="ingress",
            protocol="HTTP",
            algorithm="ROUND_ROBIN",
            monitor=Monitor(
                type="HTTP",
                delay=5,
                timeout=3,
                rise=1,
                fall=1,
                method="HEAD",
                path="/healthz",
                codes="200-202",
            ),
            members=(Member(id="m3", address="10.0.0.3", port=8080, monitor_port=8081),),
        ),
        Pool(
            id="ingress-tls",
            protocol="PROXY",
            algorithm="SOURCE_IP",
            sticky=True,
            members=(Member(id="m4", address="fd00::4", port=8443),),
        ),
    ),
)


def test_a_whole_load_balancer(golden: Callable[[str, str], None]) -> None:
    golden("haproxy.cfg", render(API, "10.0.0.100", SOCKET))


def test_a_disabled_load_balancer_has_no_listener() -> None:
    assert "frontend" not in render(API.model_copy(update={"enabled": False}), "10.0.0.100", SOCKET)


def test_a_listener_without_its_pool_forwards_nothing() -> None:
    lonely = API.model_copy(update={"pools": ()})
    text = render(lonely, "10.0.0.100", SOCKET)
    assert "frontend api" in text
    assert "default_backend" not in text


def test_a_pool_of_another_mode_is_not_used() -> None:
    mixed = LoadBalancer(
        id="lb",
        project="project",
        vip_port="port",
        listeners=(Listener(id="web", protocol="HTTP", port=80, pool="tcp"),),
        pools=(Pool(id="tcp", protocol="TCP", algorithm="ROUND_ROBIN"),),
    )
    assert "default_backend" not in render(mixed, "10.0.0.100", SOCKET)


def test_an_ipv6_vip_is_bracketed() -> None:
    assert "bind [fd00::1]:6443" in render(API, "fd00::1", SOCKET)


def test_members_states_are_octavias_words() -> None:
    statistics = (
        "# pxname,svname,status\n"
        "api,FRONTEND,OPEN\n"
        "masters,m1,UP 1/2\n"
        "masters,m2,DOWN\n"
        "masters,m3,no check\n"
        "masters,m4,MAINT\n"
        "masters,BACKEND,UP\n"
    )
    assert member_states(statistics) == {
        "m1": "ONLINE",
        "m2": "ERROR",
        "m3": "NO_MONITOR",
        "m4": "OFFLINE",
    }
