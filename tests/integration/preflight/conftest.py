"""One cloud of records for all tests of preflight, and the environment that suits it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openstack.connection import Connection
from rich.console import Console

from terp import preflight
from terp.cloud.faults import set_faults
from terp.environment import Environment
from terp.preflight import Report
from terp.progress import progress_for
from tests.integration.cloud.conftest import EmbeddedCloud, remove_everything

STACK = "prod"
Check = Callable[..., Report]


def environment(**changes: Any) -> Environment:
    """One control-plane node and two workers; `changes` by dotted key."""
    raw: dict[str, Any] = {
        "cloud": {"name": "embedded"},
        "nodes": {
            "image": "linux",
            "control_plane": {"flavor": "m1.medium"},
            "pools": {"cpu": {"flavor": "m1.large", "count": 2}},
        },
    }
    for key, value in changes.items():
        *way, last = key.split("__")
        place = raw
        for step in way:
            place = place.setdefault(step, {})
        place[last] = value
    return Environment.model_validate(raw)


@pytest.fixture(scope="session")
def running_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """A cloud of records."""
    with EmbeddedCloud(tmp_path_factory.mktemp("preflight"), hosts=False) as running:
        yield running


@pytest.fixture
def cloud(running_cloud: EmbeddedCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedCloud]:
    """That cloud, found as users have it found, with nothing left after the test."""
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(running_cloud.state.path("clouds.yaml")))
    yield running_cloud
    set_faults(running_cloud.state, [])
    remove_everything(running_cloud.connect())


@pytest.fixture
def member(cloud: EmbeddedCloud) -> Connection:
    """An ordinary member."""
    return cloud.connect()


@pytest.fixture
def admin(cloud: EmbeddedCloud) -> Connection:
    """The cloud's administrator."""
    return cloud.connect(admin=True)


@pytest.fixture
def check(cloud: EmbeddedCloud, tmp_path: Path) -> Check:
    """`check(**changes)`: the report on the plain environment with these changes."""

    def run(*, state: Any = None, seconds: float = 60, **changes: Any) -> Report:
        with progress_for(Console(quiet=True), tmp_path / "timings.json") as story:
            return preflight.check(STACK, environment(**changes), state, story, seconds=seconds)

    return run
