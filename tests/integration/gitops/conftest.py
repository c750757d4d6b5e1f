"""One platform for all tests of this area."""

from collections.abc import Iterator

import pytest

from terp.environment import read
from terp.paths import PROJECT
from terp.progress import Progress
from terp.tools import Toolchain, sync
from tests.integration.gitops.argo_cd import ArgoCd
from tests.integration.gitops.control_plane import ControlPlane, started
from tests.integration.gitops.platform import Sources, StandIns

SANDBOX = PROJECT / "tests" / "fixtures" / "valid" / "sandbox.yaml"


@pytest.fixture(scope="session")
def toolchain(progress: Progress) -> Toolchain:
    return sync("gitops-tests", progress)


@pytest.fixture(scope="session")
def cluster(
    toolchain: Toolchain, progress: Progress, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    with started(toolchain, progress, tmp_path_factory.mktemp("processes")) as found:
        yield found


@pytest.fixture(scope="session")
def argo_cd(cluster: ControlPlane, progress: Progress) -> ArgoCd:
    with progress.task("Argo CD"):
        found = ArgoCd(cluster)
        found.start()
    return found


@pytest.fixture(scope="session")
def platform(argo_cd: ArgoCd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIns]:
    """That of the sandbox, not begun yet."""
    chosen = read(SANDBOX).platform
    assert chosen
    sources = Sources(tmp_path_factory.mktemp("upstreams"))
    sources.start()
    try:
        yield StandIns(argo_cd, sources, chosen)
    finally:
        sources.stop()


@pytest.fixture
def standing(platform: StandIns) -> StandIns:
    """The same when it stands, as it is in git."""
    platform.roll_out(platform.publish())
    return platform
