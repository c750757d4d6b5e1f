"""What is refused before anything is changed, and what asks before it is destroyed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from terp.cloud.faults import Fault, set_faults
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.openstack.conftest import MakeSite
from tests.integration.openstack.samples import small
from tests.integration.openstack.site import Site

pytestmark = [pytest.mark.tools, pytest.mark.cloud, pytest.mark.timeout(900)]


@pytest.fixture
def three_instances(cloud: EmbeddedCloud) -> Iterator[None]:
    """The project may have 3 servers with 5 cores, and no load balancer."""
    member, admin = cloud.connect(), cloud.connect(admin=True)
    path = f"/os-quota-sets/{member.current_project_id}"
    before = admin.compute.get(path).json()["quota_set"]
    admin.compute.put(path, json={"quota_set": {"instances": 3, "cores": 3}})
    yield
    limits = {"instances": before["instances"], "cores": before["cores"]}
    admin.compute.put(path, json={"quota_set": limits})


def test_a_quota_that_is_short_is_said_and_nothing_is_made(sites: MakeSite, three_instances: None) -> None:
    site = sites("short", small(cpu=4))
    said = site.terp("up", "--no-hosts", code=2).stderr
    assert "nothing was changed" in said
    assert "instances: 2 short (3 allowed, 0 used, 5 added)" in said
    assert not any(site.things().values())
    rows = [line.split() for line in site.terp("doctor", code=2).stdout.splitlines()]
    assert ["instances", "3", "0", "5", "2"] in rows
    assert ["cores", "3", "0", "5", "2"] in rows
    site.write(small(cpu=2))
    site.up()
    assert len(site.things()["servers"]) == 3
    site.write(small(cpu=3))
    said = site.terp("up", "--no-hosts", code=2).stderr
    assert "instances: 1 short (3 allowed, 3 used, 1 added)" in said
    assert len(site.things()["servers"]) == 3


def test_a_file_with_mistakes_is_refused_before_the_cloud_is_called(sites: MakeSite) -> None:
    site = sites("wrong", small(cpu=1))
    site.file.write_text(site.file.read_text().replace("flavor:", "flavour:"))
    with no_cloud(site):
        said = site.terp("up", "--no-hosts", code=2).stderr
    assert "did you mean" in said and "nothing was changed" in said
    assert not site.root.exists()


@contextmanager
def no_cloud(site: Site) -> Iterator[None]:
    """Within, every call of the cloud fails."""
    set_faults(site.cloud.state, [Fault(drop=True)])
    try:
        yield
    finally:
        set_faults(site.cloud.state, [])


def test_what_is_protected_goes_by_terp_destroy_alone_and_with_its_name(sites: MakeSite) -> None:
    wanted: dict[str, Any] = small(cpu=1)
    del wanted["protected"]
    wanted["nodes"]["control_plane"]["etcd_volume"] = {"size": 4}
    site = sites("protected", wanted)
    site.up()
    kept = site.things()
    refused = site.pulumi("destroy", "--yes", "--skip-preview", check=False)
    assert refused.returncode != 0 and "protected" in refused.stdout + refused.stderr
    after = site.things()
    for kind in ("servers", "volumes"):
        assert {name: each["id"] for name, each in after[kind].items()}.items() >= {
            name: each["id"] for name, each in kept[kind].items() if name.startswith("control-plane")
        }.items()
    refused = site.terp("destroy", code=2, said="another\n")
    assert "nothing was changed" in refused.stderr
    assert site.things().keys() == kept.keys()
    site.terp("destroy", said="protected\n")
    assert not any(site.things().values())
    assert not (site.root / "private_key").exists()
    assert not site.state_file.exists()
