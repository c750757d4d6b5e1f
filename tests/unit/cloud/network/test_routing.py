from collections.abc import Callable

from tests.unit.cloud.network.snapshots import EXTERNAL, GATEWAY, INNER4, ROUTER, SMALL, SUB_OUTER, uuid

from terp.cloud.network.model import Route, Router
from terp.cloud.network.routing import KernelRoute, RouterPlan, hosts, routers


def only(**changes: object) -> RouterPlan:
    snapshot = SMALL.model_copy(update={"routers": (Router.model_validate({"id": ROUTER, **changes}),)})
    return routers(snapshot)[0]


def test_the_ruleset_of_a_router(golden: Callable[[str, str], None]) -> None:
    golden("network/router.nft", only().rules)


def test_a_router_has_a_link_with_the_addresses_of_each_port() -> None:
    plan = only()
    assert {link.name: sorted(link.addresses) for link in plan.links} == {
        f"qr-{INNER4[:11]}": ["10.0.0.1/24"],
        "qr-00000018-00": ["fd00::1/64"],
        f"qg-{GATEWAY[:11]}": ["203.0.113.10/24", "203.0.113.20/32"],
    }


def test_routes_lead_to_the_external_gateway_and_the_next_hops_that_can_be_reached() -> None:
    plan = only(
        routes=(
            Route(destination="10.99.0.0/16", nexthop="10.0.0.5"),
            Route(destination="10.98.0.0/16", nexthop="172.16.0.1"),
        )
    )
    assert plan.routes == {
        KernelRoute(destination="0.0.0.0/0", nexthop="203.0.113.1", link=f"qg-{GATEWAY[:11]}"),
        KernelRoute(destination="10.99.0.0/16", nexthop="10.0.0.5", link=f"qr-{INNER4[:11]}"),
    }


def test_another_external_subnet_is_on_the_link() -> None:
    extra = SMALL.subnets[2].model_copy(update={"id": uuid(77), "cidr": "192.0.2.0/28", "gateway": None})
    plan = routers(SMALL.model_copy(update={"subnets": (*SMALL.subnets, extra)}))[0]
    assert KernelRoute(destination="192.0.2.0/28", nexthop=None, link=f"qg-{GATEWAY[:11]}") in plan.routes


def test_a_router_that_is_down_has_nothing() -> None:
    plan = only(up=False)
    assert (plan.links, plan.routes, plan.hosts) == ((), frozenset(), "")
    assert "nat" not in plan.rules


def test_without_snat_only_floating_ips_go_out() -> None:
    rules = only(snat=False).rules
    outward = rules.split("chain outward {")[1].split("}")[0].split("\n")
    assert [line for line in outward if line] == ["ip saddr 10.0.0.5 snat to 203.0.113.20"]


def test_floating_ips_need_a_gateway() -> None:
    without = tuple(port for port in SMALL.ports if port.id != GATEWAY)
    plan = routers(SMALL.model_copy(update={"ports": without}))[0]
    assert "snat" not in plan.rules
    assert all(link.name.startswith("qr-") for link in plan.links)


def test_servers_have_their_name_in_each_domain() -> None:
    assert hosts(SMALL.ports).splitlines() == [
        "10.0.0.5 alpha.cloud.internal alpha.openstacklocal alpha.novalocal alpha",
        "10.0.0.6 beta.cloud.internal beta.openstacklocal beta.novalocal beta",
        "fd00::5 alpha.cloud.internal alpha.openstacklocal alpha.novalocal alpha",
    ]


def test_the_external_network_of_the_small_cloud_is_the_default() -> None:
    assert next(subnet.cidr for subnet in SMALL.subnets if subnet.id == SUB_OUTER) == EXTERNAL


def test_a_network_without_a_router_has_a_stand_in_for_its_names() -> None:
    alone = SMALL.model_copy(
        update={
            "routers": (),
            "ports": tuple(port for port in SMALL.ports if not port.owner.startswith("network")),
        }
    )
    (plan,) = routers(alone)
    assert plan.stands_in
    assert [sorted(link.addresses) for link in plan.links] == [["10.0.0.1/24"]]
    assert "alpha" in plan.hosts
    nameless = tuple(port.model_copy(update={"name": ""}) for port in alone.ports)
    assert routers(alone.model_copy(update={"ports": nameless})) == []
