"""What components request together."""

import pytest
from tests.unit.gitops.selections import component, selection

from terp.environment.quantities import Requests, amount, gibibytes, thousandths
from terp.gitops.footprint import footprint, unknown

MEBIBYTE, GIBIBYTE = 1024**2, 1024**3


@pytest.mark.parametrize(("text", "number"), [("500m", 500), ("2", 2000)])
def test_processors_are_counted_in_thousandths(text: str, number: int):
    assert thousandths(text) == number


@pytest.mark.parametrize(
    ("text", "number"), [("5", 5), ("2K", 2000), ("512Mi", 512 * MEBIBYTE), ("1Gi", GIBIBYTE), ("1G", 10**9)]
)
def test_quantities_are_counted_in_bytes(text: str, number: int):
    assert amount(text) == number
    assert gibibytes(3 * GIBIBYTE // 2) == "1.5 GiB"


def test_requests_and_volumes_are_added_up():
    one = component(
        footprint={"cpu": "500m", "memory": "1Gi"}, storage=[{"description": "It.", "size": "5Gi"}]
    )
    other = component(footprint={"cpu": "1", "memory": "512Mi"})
    assert footprint(selection(one=one, other=other), 1) == Requests(
        cpu=1500, memory=1536 * MEBIBYTE, storage=5 * GIBIBYTE
    )


@pytest.mark.parametrize("replicas", [1, 3])
def test_databases_count_with_each_of_their_instances(replicas: int):
    web = component(databases=[{"name": "db", "database": "app", "size": "10Gi"}])
    assert footprint(selection(web=web), replicas) == Requests(
        cpu=replicas * 100, memory=replicas * 512 * MEBIBYTE, storage=replicas * 10 * GIBIBYTE
    )


def test_whose_requests_are_not_known_is_told():
    runs = {"health": ["Deployment/web"]}
    known = {"footprint": {"cpu": "1", "memory": "1Gi"}}
    found = selection(web=component(**runs), known=component(**runs, **known), kinds=component())
    assert unknown(found) == ("web",)
