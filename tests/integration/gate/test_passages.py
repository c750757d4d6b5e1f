"""What the gate lets through: by name, once; a saved plan; and an environment that is not protected."""

import json
from pathlib import Path

import pytest

from tests.integration.gate.conftest import guarded
from tests.integration.openstack.conftest import MakeSite
from tests.integration.openstack.samples import small
from tests.integration.openstack.site import Site

pytestmark = [pytest.mark.tools, pytest.mark.cloud, pytest.mark.timeout(900)]


def without_data(count: int = 3) -> dict[str, object]:
    """The environment without the volumes of its pool, or with fewer nodes."""
    wanted = guarded()
    del wanted["nodes"]["pools"]["cpu"]["volumes"]
    wanted["nodes"]["pools"]["cpu"]["count"] = count
    return wanted


def test_what_is_allowed_by_name_happens_and_nothing_else(site: Site, tmp_path: Path) -> None:
    site.write(without_data())
    volumes = [f"delete-volume:cpu-{number}-data" for number in range(3)]
    allow = [word for each in volumes for word in ("--allow", each)]
    with site.frozen():
        said = site.terp("up", "--no-hosts", *allow[:4], code=2).stderr
    assert volumes[2] in said and volumes[0] not in said
    before = site.things()
    site.up(*allow)
    after = site.things()
    assert set(before["volumes"]) - set(after["volumes"]) == {f"cpu-{number}-data" for number in range(3)}
    assert {name: each["id"] for name, each in before["servers"].items()} == {
        name: each["id"] for name, each in after["servers"].items()
    }
    site.write(without_data(count=2))
    plan = json.loads(site.terp("plan", "--json").stdout.splitlines()[-1])
    assert plan["findings"] == []
    assert plan["radius"]["servers"] == ["cpu-2"]
    assert plan["radius"]["drains"] == ["pool cpu: 1 of 3 nodes: cpu-2"]


def test_a_saved_plan_is_carried_out_as_it_was_seen_or_not_at_all(site: Site, tmp_path: Path) -> None:
    site.write(guarded())
    site.up()
    saved = tmp_path / "plan.json"
    site.write(without_data())
    allow = [word for number in range(3) for word in ("--allow", f"delete-volume:cpu-{number}-data")]
    text = site.terp("plan", "--refresh", *allow, "--out", str(saved)).stdout
    assert "lost with all data  volume cpu-1-data (1 GiB)" in text
    assert "allowed: delete-volume:cpu-1-data" in text

    site.write(without_data(count=2))
    with site.frozen():
        said = site.terp("up", "--no-hosts", "--plan", str(saved), code=2).stderr
    assert "the world has moved on" in said
    assert "the stack's file was edited" in said
    assert "not planned then, step: delete server cpu-2" in said

    site.write(without_data())
    volume = next(iter(site.member.block_storage.volumes(name=f"{site.stack}-cpu-2-data")))
    server = site.things()["servers"]["cpu-2"]["id"]
    site.member.compute.delete_volume_attachment(server, volume.id)
    site.member.block_storage.wait_for_status(volume, "available", wait=60)
    site.member.block_storage.delete_volume(volume)
    site.member.block_storage.wait_for_delete(volume, wait=60)
    with site.frozen():
        said = site.terp("up", "--no-hosts", "--plan", str(saved), code=2).stderr
    assert "no longer planned, step: delete Volume cpu-2-data" in said

    site.terp("plan", "--refresh", *allow[:4], "--out", str(saved))
    site.up("--plan", str(saved))
    assert not any("data" in name for name in site.things()["volumes"])
    assert site.terp("plan", "--detailed-exitcode")


def test_plain_pulumi_takes_overrides_too(site: Site) -> None:
    site.write(guarded())
    site.up()
    wanted = guarded()
    wanted["access"]["api"]["allowed_from"] = ["0.0.0.0/0"]
    site.write(wanted)
    site.terp("env")  # brings the file of Terp's own project in step
    rule = "control-plane-ingress-ipv4-tcp-6443-0.0.0.0/0"
    site.shell(f"TERP_ALLOW=public:{rule} pulumi up --yes --non-interactive --stack {site.stack}")
    assert any("6443-6443 from 0.0.0.0/0" in name for name in site.things()["rules"])
    with site.frozen():
        assert site.up()["steps"] == []


def test_an_environment_that_is_not_protected_is_warned(sites: MakeSite) -> None:
    wanted = small(cpu=3)
    site = sites("loose", wanted)
    site.up()
    wanted["nodes"]["pools"]["cpu"]["count"] = 1
    site.write(wanted)
    assert "warning: pool-nodes:cpu" in site.terp("plan").stdout
    site.up()
    assert set(site.things()["servers"]) == {"control-plane-0", "cpu-0"}
