"""Whether the workers have room for the platform."""

from typing import Any

import pytest
from tests.unit.preflight.samples import STACK, environment, said, snapshot

from terp.environment.quantities import Requests
from terp.preflight.report import judge
from terp.preflight.room import check
from terp.preflight.snapshot import Snapshot

GIBIBYTE = 1024**3
HINT = "more or larger workers, or fewer components; terp gitops components"
MORE_CPU, MORE_MEMORY = Requests(cpu=7000), Requests(memory=15 * GIBIBYTE)
"""Two workers of 4 CPU and 8 GiB have 6.8 and 14.3 beside what is reserved."""


def findings(wanted: Requests, there: Snapshot | None = None, **changes: Any) -> object:
    return said(check(STACK, environment(**changes), there or snapshot(), wanted))


def test_a_platform_that_fits_is_right():
    assert findings(Requests(cpu=6800, memory=14 * GIBIBYTE)) == []


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (MORE_CPU, "the platform requests at least 7.0 CPU; the workers have 6.8 for pods"),
        (
            MORE_MEMORY,
            "the platform requests at least 15.0 GiB of memory; the workers have 14.3 GiB for pods",
        ),
    ],
)
def test_a_platform_that_cannot_fit_is_told(wanted: Requests, message: str):
    assert findings(wanted) == [("warning", "nodes.pools", message, HINT)]


def test_workers_with_taints_have_no_room_for_it():
    taint = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
    pools = {
        "cpu": {"flavor": "m1.large", "count": 2},
        "gpu": {"flavor": "m1.large", "count": 8, "taints": [taint]},
    }
    assert findings(MORE_CPU, nodes__pools=pools)


def test_a_control_plane_that_takes_pods_has_room():
    assert findings(MORE_CPU, nodes__control_plane__schedulable=True) == []


def test_nothing_is_said_of_flavors_that_are_not_known():
    assert findings(MORE_CPU, snapshot(flavors=())) == []
    assert findings(MORE_CPU, snapshot(flavors=None)) == []


def test_it_is_part_of_the_report():
    assert judge(STACK, environment(), snapshot(), None, MORE_CPU).warnings
    assert not judge(STACK, environment(), snapshot(), None).warnings


@pytest.mark.parametrize(
    ("quota", "message"),
    [
        ({"cpu": "7"}, "vision may request 7 CPU; all workers together have 6.8"),
        ({"memory": "15Gi"}, "vision may request 15Gi of memory; all workers together have 14.3 GiB"),
    ],
)
def test_a_project_that_may_use_more_than_there_is_is_told(quota: dict[str, str], message: str):
    hint = "a smaller quota, or more or larger workers"
    found = findings(Requests(), platform=with_project({"cpu": "6", "memory": "14Gi", **quota}))
    assert found == [("warning", "platform.projects.vision.quota", message, hint)]


def test_a_project_that_fits_is_right():
    assert findings(Requests(), platform=with_project({"cpu": "6", "memory": "14Gi"})) == []


def with_project(quota: dict[str, str]) -> dict[str, Any]:
    return {
        "domain": "ml.example.org",
        "git": {"repository": "https://git.example.org/terp.git"},
        "projects": {"vision": {"owner": "ada@example.org", "quota": quota}},
    }
