"""How an environment is, from what cloud and cluster say."""

from ipaddress import IPv4Address

import pytest
from rich.console import Console

from terp.cli.status import shown
from terp.gitops.observation import SeenApplication, seen
from terp.kubernetes.model import SeenNode
from terp.openstack.hosts import Host
from terp.openstack.servers import Role
from terp.stack.status import MISSING, Status, members


def host(name: str, role: Role) -> Host:
    return Host(
        name=name,
        server_id=f"id-of-{name}",
        role=role,
        group=role,
        number=0,
        user="debian",
        address=IPv4Address("10.0.0.1"),
    )


BASTION, FIRST, WORKER = host("bastion", "bastion"), host("cp-0", "control-plane"), host("cpu-0", "worker")
READY = SeenNode(ready=True, version="1.36.3")
RUNNING = {each.server_id: "ACTIVE" for each in (BASTION, FIRST, WORKER)}


def test_a_node_that_is_ready_on_a_server_that_runs_is_well() -> None:
    found = members([BASTION, FIRST, WORKER], RUNNING, {"cp-0": READY, "cpu-0": READY})
    assert [(each.node, each.version) for each in found] == [
        ("", ""),
        ("Ready", "1.36.3"),
        ("Ready", "1.36.3"),
    ]
    assert Status(stack="s", hosts=found).well


@pytest.mark.parametrize(
    ("servers", "nodes", "says"),
    [
        ({**RUNNING, WORKER.server_id: "SHUTOFF"}, {"cp-0": READY, "cpu-0": READY}, ("SHUTOFF", "Ready")),
        ({FIRST.server_id: "ACTIVE"}, {"cp-0": READY, "cpu-0": READY}, (MISSING, "Ready")),
        (RUNNING, {"cp-0": READY}, ("ACTIVE", MISSING)),
        (RUNNING, {"cp-0": READY, "cpu-0": SeenNode(ready=False, version="1")}, ("ACTIVE", "NotReady")),
    ],
)
def test_what_is_not_well_is_told(
    servers: dict[str, str], nodes: dict[str, SeenNode], says: tuple[str, str]
) -> None:
    found = members([FIRST, WORKER], servers, nodes)
    assert (found[1].server, found[1].node) == says
    assert not Status(stack="s", hosts=found).well


def test_hosts_without_a_cluster_are_no_nodes() -> None:
    assert Status(stack="s", hosts=members([FIRST], RUNNING, None)).well


def test_an_api_that_does_not_answer_is_trouble() -> None:
    assert not Status(stack="s", hosts=(), trouble=("the API does not answer",)).well


def application(**status: object) -> SeenApplication:
    metadata = {"name": "vault", "annotations": {"argocd.argoproj.io/sync-wave": "3"}}
    return seen({"metadata": metadata, "status": status})


def test_an_application_that_is_synced_and_healthy_is_well() -> None:
    found = application(
        health={"status": "Healthy"},
        sync={"status": "Synced"},
        operationState={"phase": "Succeeded", "message": "successfully synced"},
    )
    assert (found.wave, found.well, found.message) == (3, True, "")


def test_what_holds_an_application_is_said() -> None:
    found = application(
        health={"status": "Degraded", "message": "no pod"},
        sync={"status": "OutOfSync"},
        operationState={"phase": "Failed", "message": "one object refused"},
        conditions=[
            {"type": "ComparisonError", "message": "no such chart"},
            {"type": "OrphanedResourceWarning", "message": "1 orphan"},
        ],
    )
    assert (found.well, found.message) == (False, "no such chart; sync Failed: one object refused")


def test_an_application_that_nobody_has_looked_at_is_not_well() -> None:
    assert not seen({"metadata": {"name": "vault"}}).well


def test_applications_are_shown_with_what_holds_them() -> None:
    console = Console(width=120, record=True)
    held = application(
        health={"status": "Progressing", "message": "0 of 3 pods"},
        sync={"status": "Synced"},
        operationState={"phase": "Succeeded"},
    )
    console.print(shown(Status(stack="s", hosts=(), applications=(held,))))
    text = console.export_text()
    assert "3     vault        Progressing  Synced  is Progressing: 0 of 3 pods" in text
    assert "0 of 1 Applications are well" in text
