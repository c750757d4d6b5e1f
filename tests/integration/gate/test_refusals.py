"""What the gate refuses of a cloud that is there: before anything is changed, by Terp and by plain Pulumi."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.integration.gate.conftest import guarded
from tests.integration.openstack.site import Site

pytestmark = [pytest.mark.tools, pytest.mark.cloud, pytest.mark.timeout(900)]

Edit = Callable[[dict[str, Any]], object]


def edited(edit: Edit) -> dict[str, Any]:
    """The environment, otherwise."""
    wanted = copy.deepcopy(guarded())
    edit(wanted)
    return wanted


def without_data(wanted: dict[str, Any]) -> None:
    pool = wanted["nodes"]["pools"]["cpu"]
    del pool["volumes"], pool["networks"], wanted["network"]["additional"]


PROTECTED = "because it is protected"
KEPT = "as it is currently marked for protection"
"""What the engine says of its own, before the policy pack is asked."""
REFUSED: Mapping[str, tuple[Edit, set[str], str]] = {
    "volumes and a network": (
        without_data,
        {"delete-network:storage", *(f"delete-volume:cpu-{number}-data" for number in range(3))},
        PROTECTED,
    ),
    "most of the control plane": (
        lambda wanted: wanted["nodes"]["control_plane"].update(count=1),
        {
            "etcd-quorum:etcd",
            *(f"delete-control-plane:control-plane-{number}" for number in (1, 2)),
            *(f"delete-volume:control-plane-{number}-etcd" for number in (1, 2)),
        },
        PROTECTED,
    ),
    "a restart of all of etcd": (
        lambda wanted: wanted["nodes"]["control_plane"].update(flavor="m1.medium"),
        {"etcd-quorum:etcd"},
        "TERP_ALLOW=etcd-quorum:etcd",
    ),
    "two nodes of a pool": (
        lambda wanted: wanted["nodes"]["pools"]["cpu"].update(
            overrides={number: {"flavor": "m1.medium"} for number in (0, 1)}
        ),
        {"pool-nodes:cpu"},
        "TERP_ALLOW=pool-nodes:cpu",
    ),
    "another range for the nodes": (
        lambda wanted: (
            wanted["network"].update(nodes="10.45.0.0/24"),
            wanted["access"]["api"].update(virtual_ip="10.45.0.250"),
        ),
        {"delete-network:nodes"},
        KEPT,
    ),
    "a floating IP and open doors": (
        lambda wanted: wanted["access"]["api"].update(floating_ip="new", allowed_from=["0.0.0.0/0"]),
        {"public:api", "public:control-plane-ingress-ipv4-tcp-6443-0.0.0.0/0"},
        "TERP_ALLOW=public:api",
    ),
}


@pytest.mark.parametrize(("edit", "overrides", "by_hand"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_and_nothing_is_touched(
    site: Site, edit: Edit, overrides: set[str], by_hand: str
) -> None:
    site.write(edited(edit))
    with site.frozen():
        said = site.terp("up", "--no-hosts", code=2).stderr
        planned = json.loads(site.terp("plan", "--json", code=3).stdout.splitlines()[-1])
        plain = site.pulumi("up", "--yes", check=False)
    assert "nothing was changed" in said
    found = {each["override"] for each in planned["findings"]}
    assert overrides <= found
    assert all(f"--allow {each}" in said for each in found)
    assert {each["standing"] for each in planned["findings"]} == {"refused"}
    assert plain.returncode != 0
    assert by_hand in plain.stdout + plain.stderr


def test_an_update_without_a_preview_ends_at_what_opens_a_door(site: Site) -> None:
    site.write(edited(lambda wanted: wanted["access"]["api"].update(allowed_from=["0.0.0.0/0"])))
    site.terp("env")  # brings the file of Terp's own project in step
    with site.frozen():
        done = site.pulumi("up", "--yes", "--skip-preview", check=False)
    assert done.returncode != 0
    assert "TERP_ALLOW=public:control-plane-ingress-ipv4-tcp-6443-0.0.0.0/0" in done.stdout + done.stderr


def test_a_logical_name_that_changed_without_an_alias_is_told(site: Site) -> None:
    """As if Terp had called a volume otherwise before."""
    (urn,) = [
        each["urn"]
        for each in site.exported()["deployment"]["resources"]
        if each["urn"].endswith("Volume::cpu-0-data")
    ]
    site.pulumi("state", "rename", urn, "data-of-cpu-0", "--yes")
    try:
        with site.frozen():
            said = site.terp("up", "--no-hosts", code=2).stderr
        assert "renamed:cpu-0-data" in said
        assert "delete-volume:data-of-cpu-0" in said
    finally:
        other = urn.replace("::cpu-0-data", "::data-of-cpu-0")
        site.pulumi("state", "rename", other, "cpu-0-data", "--yes")


def test_a_secret_in_plain_text_is_refused(site: Site) -> None:
    site.file.write_text(site.file.read_text().replace("config:", "config:\n  openstack:password: geheim-17"))
    with site.frozen():
        said = site.terp("up", "--no-hosts", code=2)
        by_hand = site.pulumi("preview", check=False)
    assert "plain-secret:openstack:password" in said.stderr
    assert by_hand.returncode != 0
    assert "geheim-17" not in said.stdout + said.stderr + by_hand.stdout + by_hand.stderr


def test_what_harms_nothing_passes_without_a_word(site: Site) -> None:
    with site.frozen():
        done = site.up()
        assert done["steps"] == []
        site.pulumi("preview")
    plan = site.terp("plan")
    assert "blast radius" not in plan.stdout
