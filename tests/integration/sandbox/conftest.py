"""The environment of `Pulumi.site.yaml`, raised once."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from terp.cloud.process import NotInTimeError, wait_for
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.openstack.site import everything
from tests.integration.sandbox.site import Site

FILE = Path(__file__).with_name("Pulumi.site.yaml")


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with EmbeddedCloud(tmp_path_factory.mktemp("sandbox"), hosts=True) as cloud:
        before = artefacts(cloud)
        site = Site(cloud, FILE, tmp_path_factory.mktemp("stacks"))
        site.up()
        assert artefacts(cloud) - before
        yield site
        done = site.terp("destroy", str(site.file), "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert {kind: found for kind, found in everything(cloud.connect()).items() if found} == {}
        with suppress(NotInTimeError):  # the data plane follows Neutron
            wait_for("what hosts were made of to go", lambda: artefacts(cloud) <= before, 30, 0.5)
        assert artefacts(cloud) - before == set()


def artefacts(cloud: EmbeddedCloud) -> set[str]:
    """What there is of hosts, routers and volumes on the machine, as the kernel and the disk tell."""
    place = cloud.state.ground.place
    found = {f"namespace {each.name}" for each in Path("/run/netns").glob(f"{place.tag}-*")}
    found |= {f"group {each.name}" for each in Path("/sys/fs/cgroup").rglob(f"{place.tag}-*")}
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    found |= {f"mount {line}" for line in mounts if place.tag in line or f"{place.root}/" in line}
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):  # it has just gone
            found |= {f"loop {file}" for file in [backing.read_text().strip()] if str(place.root) in file}
    for folder in ("hosts", "volumes", "balancers"):  # beside locks, and what all hosts share
        names = (each.name for each in place.path(folder).glob("[!.]*") if each.suffix != ".lock")
        found |= {f"{folder} {name}" for name in names}
    return found
