from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from terp.openstack.addresses import allocation_pools

SUBNET = IPv4Network("10.0.0.0/26")


def pools(*fixed: str) -> list[str]:
    found = allocation_pools(SUBNET, [IPv4Address(each) for each in fixed])
    return [f"{first}-{last}" for first, last in found]


def test_the_cloud_chooses_around_what_the_environment_gives_away() -> None:
    assert pools("10.0.0.10", "10.0.0.11", "10.0.0.13") == [
        "10.0.0.2-10.0.0.9",
        "10.0.0.12-10.0.0.12",
        "10.0.0.14-10.0.0.62",
    ]
    assert pools("10.0.0.2", "10.0.0.62", "10.9.9.9") == ["10.0.0.3-10.0.0.61"]


@given(st.sets(st.integers(2, 62)))
def test_every_other_address_is_in_exactly_one_pool(numbers: set[int]) -> None:
    found = allocation_pools(SUBNET, [SUBNET[number] for number in numbers])
    chosen = [number for first, last in found for number in range(int(first), int(last) + 1)]
    assert chosen == [int(SUBNET[number]) for number in range(2, 63) if number not in numbers]
