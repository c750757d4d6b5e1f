"""Preflight against genuine OpenStack APIs."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from openstack.connection import Connection
from openstack.exceptions import raise_from_response

from terp.cloud import seed
from terp.cloud.faults import Fault, set_faults
from terp.cloud.process import wait_for
from terp.preflight import Report
from terp.preflight.reading import read
from tests.integration.cloud.conftest import EmbeddedCloud
from tests.integration.preflight.conftest import STACK

pytestmark = pytest.mark.cloud
Check = Callable[..., Report]
HANGS = 15
"""Seconds: longer than a test waits, and no longer than the next test can wait for the service."""


def said(report: Report) -> list[tuple[str, str, str]]:
    """Severity, dotted key and message of each finding."""
    return [(each.severity, each.model_dump()["key"], each.message) for each in report.findings]


def rows(report: Report) -> dict[str, tuple[int, int, int, int]]:
    """Quota, used, added, short."""
    return {row.resource: (row.quota, row.used, row.added, row.short) for row in report.quota}


def contents(member: Connection) -> dict[str, int]:
    """How much of everything the member has."""
    mine = {"project_id": member.current_project_id}
    network, compute = member.network, member.compute
    return {
        "servers": len(list(compute.servers())),
        "server groups": len(list(compute.server_groups())),
        "key pairs": len(list(compute.keypairs())),
        "networks": len(list(network.networks(**mine))),
        "ports": len(list(network.ports(**mine))),
        "routers": len(list(network.routers(**mine))),
        "security groups": len(list(network.security_groups(**mine))),
        "floating IPs": len(list(network.ips(**mine))),
        "volumes": len(list(member.block_storage.volumes())),
        "load balancers": len(list(member.load_balancer.load_balancers(**mine))),
    }


def test_an_environment_that_suits_the_cloud_passes_and_nothing_is_changed(check: Check, member: Connection):
    before = contents(member)
    report = check(access__api={"endpoint": "load-balancer", "floating_ip": "new"})
    assert said(report) == []
    report.raise_if_bad()
    assert contents(member) == before
    assert rows(report)["instances"] == (60, 0, 3, 0)
    assert rows(report)["cores"] == (200, 0, 10, 0)
    assert rows(report)["security_groups"] == (40, 1, 2, 0)
    assert rows(report)["load_balancers"] == (10, 0, 1, 0)


def test_all_mistakes_are_reported_at_once(check: Check):
    report = check(
        cloud__external_network="publik",
        cloud__dns={"zone": "ml.example.org"},
        network__router="edge",
        nodes__image="linux-record",
        nodes__control_plane={
            "flavor": "m1.tiny",
            "count": 3,
            "zones": ["zone-c"],
            "etcd_volume": {"size": 20, "type": "fats"},
        },
        nodes__pools={"cpu": {"flavor": "m1.larg", "count": 100, "security_groups": ["monitoring"]}},
        access__ssh={"keypair": "ops"},
        access__api={"endpoint": "load-balancer", "provider": "ovn", "floating_ip": "198.51.100.200"},
    )
    assert [each[:2] for each in said(report)] == [
        ("error", "cloud.dns"),
        ("error", "access.api.provider"),
        ("error", "nodes.pools.cpu.flavor"),
        ("error", "nodes.image"),
        ("error", "nodes.control_plane.flavor"),
        ("error", "nodes.control_plane.zones[0]"),
        ("error", "nodes.control_plane.etcd_volume.type"),
        ("error", "access.ssh.keypair"),
        ("error", "cloud.external_network"),
        ("error", "network.router"),
        ("error", "nodes.pools.cpu.security_groups[0]"),
        ("error", "access.api.floating_ip"),
        ("error", "nodes"),  # instances
        ("error", "nodes"),  # members of the server group
    ]
    assert [each.suggestion for each in report.findings if "flavor 'm1.larg'" in each.message] == [
        'did you mean "m1.large"?'
    ]


@pytest.fixture
def lower(cloud: EmbeddedCloud, admin: Connection) -> Iterator[Callable[[str, str, int], None]]:
    """`lower(service, name, limit)`: the member's project may have no more, until the test ends."""
    project = cloud.connect().current_project_id
    changed: list[tuple[str, str, int]] = []

    def put(service: str, name: str, limit: int) -> None:
        if service == "compute":
            answer = admin.compute.put(f"/os-quota-sets/{project}", json={"quota_set": {name: limit}})
        elif service == "block-storage":
            answer = admin.block_storage.put(f"/os-quota-sets/{project}", json={"quota_set": {name: limit}})
        else:
            answer = admin.network.put(f"/quotas/{project}", json={"quota": {name: limit}})
        raise_from_response(answer)

    def limit_of(service: str, name: str) -> int:
        if service == "network":
            return int(admin.network.get(f"/quotas/{project}").json()["quota"][name])
        proxy = admin.compute if service == "compute" else admin.block_storage
        return int(proxy.get(f"/os-quota-sets/{project}").json()["quota_set"][name])

    def change(service: str, name: str, limit: int) -> None:
        changed.append((service, name, limit_of(service, name)))
        put(service, name, limit)

    yield change
    for each in changed:
        put(*each)


def test_what_is_short_is_said_exactly(check: Check, lower: Callable[[str, str, int], None]):
    lower("compute", "cores", 9)
    lower("compute", "ram", 20_480)
    lower("network", "port", 3)
    lower("network", "security_group_rule", 9)
    lower("block-storage", "gigabytes_fast", 79)
    lower("block-storage", "per_volume_gigabytes", 39)
    report = check(
        nodes__pools={"cpu": {"flavor": "m1.large", "count": 2, "root_volume": {"size": 40, "type": "fast"}}}
    )
    found = rows(report)
    assert {name: row for name, row in found.items() if row[3]} == {
        "cores": (9, 0, 10, 1),
        "ports": (3, 0, 4, 1),
        "security_group_rules": (9, 4, 6, 1),  # the default group has four
        "gigabytes_fast": (79, 0, 80, 1),
    }
    assert found["ram"] == (20_480, 0, 20_480, 0)
    assert [each for each in said(report) if each[1].startswith("nodes.pools")] == [
        (
            "error",
            "nodes.pools.cpu.root_volume.size",
            "40 GiB; a volume of this project has at most 39 GiB",
        )
    ]


def server(member: Connection, name: str, network: str, **more: Any) -> Any:
    made = member.compute.create_server(
        name=name,
        flavor_id=member.compute.find_flavor("m1.large").id,
        image_id=member.image.find_image("linux").id,
        networks=[{"uuid": network}],
        **more,
    )
    return member.compute.wait_for_server(made, interval=0.3, wait=60)


def test_what_is_used_counts_and_what_the_stack_has_counts_once(check: Check, member: Connection):
    network = member.network.create_network(name="others")
    member.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.50.0.0/24")
    ours = server(member, "prod-cpu-0", network.id, metadata={"terp_stack": STACK})
    instance = {
        "urn": "urn:pulumi:prod::terp::openstack:compute/instance:Instance::cpu-0",
        "type": "openstack:compute/instance:Instance",
        "id": ours.id,
        "outputs": {"flavorName": "m1.large"},
    }
    fresh, grown = check(), check(state={"deployment": {"resources": [instance]}})
    assert rows(fresh)["instances"] == (60, 1, 3, 0)
    assert rows(grown)["instances"] == (60, 1, 2, 0)
    assert rows(fresh)["cores"] == (200, 4, 10, 0)
    assert rows(grown)["cores"] == (200, 4, 6, 0)
    assert said(grown) == []
    assert said(fresh) == [
        ("warning", "", "1 servers carry the mark of the stack 'prod'; its state lacks them: prod-cpu-0")
    ]


def test_servers_apart_are_held_against_the_computes_as_far_as_these_may_be_seen(
    check: Check, admin: Connection
):
    apart = {"flavor": "m1.medium", "count": 3, "affinity": "anti-affinity"}
    balanced = {"endpoint": "load-balancer"}
    [(severity, key, message)] = said(check(nodes__control_plane=apart, access__api=balanced))
    assert (severity, key) == ("warning", "nodes.control_plane.affinity")
    assert "only its administrators may list them" in message
    assert read(admin, ["compute"]).computes == {"zone-a": 8, "zone-b": 8}


def test_subnets_of_the_project_that_overlap_are_told(check: Check, member: Connection):
    network = member.network.create_network(name="lab")
    member.network.create_subnet(network_id=network.id, name="lab", ip_version=4, cidr="10.10.1.0/24")
    own = {"network_id": network.id, "description": f"terp:stack={STACK}"}
    member.network.create_subnet(**own, name="mine", ip_version=4, cidr="10.10.2.0/24")
    [(severity, key, message)] = said(check())
    assert (severity, key) == ("warning", "network.nodes")
    assert message.startswith("10.10.0.0/22 overlaps") and message.endswith(": lab (10.10.1.0/24)")


def test_names_that_the_project_has_already(check: Check, member: Connection):
    network = member.network.create_network(name="prod-nodes")
    member.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.50.0.0/24")
    server(member, "prod-cpu-1", network.id)
    member.compute.create_keypair(name=STACK)
    member.network.create_port(network_id=network.id, name="prod-cpu-0", description=f"terp:stack={STACK}")
    tagged = member.network.create_port(network_id=network.id, name="prod-control-plane-0")
    member.network.set_tags(tagged, ["terp:stack=test"])
    found = check().findings
    assert [(each.severity, each.model_dump()["key"], each.message.partition(" (")[0]) for each in found] == [
        ("error", "nodes.pools.cpu", "the project has another server prod-cpu-1"),
        (
            "error",
            "access.ssh.keypair",
            "the user has a key pair 'prod' already, and the stack would make one of this name",
        ),
        ("warning", "network", "the project has another network prod-nodes"),
        ("warning", "nodes", "the project has another port prod-control-plane-0"),
        ("warning", "", "1 ports carry the mark of the stack 'prod'; its state lacks them: prod-cpu-0"),
    ]


def test_an_existing_network_with_its_router_and_a_reserved_floating_ip(check: Check, member: Connection):
    external = member.network.find_network("public")
    network = member.network.create_network(name="corporate")
    subnet = member.network.create_subnet(
        network_id=network.id, name="corporate-v4", ip_version=4, cidr="10.60.0.0/24"
    )
    address = member.network.create_ip(floating_network_id=external.id).floating_ip_address
    wanted: dict[str, Any] = {
        "network__existing": {"network": "corporate", "subnet": "corporate-v4"},
        "network__nodes": "10.60.0.0/24",
        "access__bastion": {"flavor": "m1.small", "floating_ip": "new"},
        "access__api": {"floating_ip": address},
    }
    assert said(check(**wanted)) == [
        (
            "error",
            "network.existing.subnet",
            "no router joins the subnet 'corporate-v4' with 'public': floating IPs would not reach it",
        )
    ]
    router = member.network.create_router(name="edge", external_gateway_info={"network_id": external.id})
    member.network.add_interface_to_router(router, subnet=subnet.id)
    assert said(check(**wanted)) == []
    assert [each[1] for each in said(check(**{**wanted, "network__nodes": "10.61.0.0/24"}))] == [
        "network.nodes"
    ]
    assert said(check(network__router="edge")) == []
    assert [each[1] for each in said(check(network__router="edge", network__nodes="10.60.0.0/23"))] == [
        "network.nodes"
    ]


@pytest.fixture
def credential(
    cloud: EmbeddedCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """`credential(...)`: from now on the member's clouds.yaml holds another application credential."""
    password = cloud.state.password("member")
    owner: Any = seed.connect(cloud.state, seed.CLOUD, seed.CLOUD, password).identity
    user = seed.connect(cloud.state, seed.CLOUD, seed.CLOUD, password).current_user_id
    made: list[Any] = []

    def use(**options: Any) -> None:
        each = owner.create_application_credential(user, name=f"short-{len(made)}", **options)
        made.append(each)
        clouds = yaml.safe_load(cloud.state.path("clouds.yaml").read_text())
        auth = clouds["clouds"]["embedded"]["auth"]
        auth["application_credential_id"], auth["application_credential_secret"] = each.id, each.secret
        file = tmp_path / "clouds.yaml"
        file.write_text(yaml.safe_dump(clouds))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))

    yield use
    for each in made:
        owner.delete_application_credential(user, each)


def test_a_credential_that_ends_soon_and_may_too_much(check: Check, credential: Callable[..., None]):
    end = datetime.now(UTC) + timedelta(days=3, hours=1)
    credential(expires_at=end.strftime("%Y-%m-%dT%H:%M:%S"), unrestricted=True)
    report = check()
    assert said(report) == [
        (
            "warning",
            "cloud.name",
            "the application credential 'short-0' is unrestricted: it may make others",
        ),
        (
            "warning",
            "cloud.name",
            f"the application credential 'short-0' expires on {end:%Y-%m-%d %H:%M} UTC, in 3 days",
        ),
    ]
    report.raise_if_bad()


def test_a_credential_that_has_expired(check: Check, credential: Callable[..., None]):
    end = datetime.now(UTC) + timedelta(seconds=3)
    credential(expires_at=end.strftime("%Y-%m-%dT%H:%M:%S"))
    wait_for("the credential's end", lambda: datetime.now(UTC) > end + timedelta(seconds=1), 10, 0.2)
    report = check()
    [(severity, key, message)] = said(report)
    assert (severity, key) == ("error", "cloud.name")
    assert message.startswith("authentication: 401")
    assert report.quota == ()


def test_a_credential_of_a_reader(check: Check, credential: Callable[..., None]):
    credential(roles=[{"name": "reader"}])
    found = said(check())
    assert found[0] == (
        "error",
        "cloud.name",
        "the credential has no role that may make servers (roles: reader)",
    )


def test_the_administrators_credential_is_too_much(
    check: Check, cloud: EmbeddedCloud, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(cloud.state.path("admin-clouds.yaml")))
    found = said(check(cloud={"name": "embedded-admin"}))
    assert found == [("warning", "cloud.name", "the credential has the role admin")]


def test_a_cloud_that_clouds_yaml_does_not_have(check: Check):
    report = check(cloud={"name": "embeded"})
    assert [each[:2] for each in said(report)] == [("error", "cloud.name")]
    assert report.findings[0].suggestion == "did you mean 'embedded'?"


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"drop": True}])
@pytest.mark.parametrize("service", ["keystone", "nova", "neutron", "cinder", "glance"])
def test_a_service_that_stumbles_once_is_asked_again(
    check: Check, cloud: EmbeddedCloud, service: str, fault: dict[str, Any]
):
    set_faults(cloud.state, [Fault(service=service, times=1, **fault)])
    assert said(check()) == []


def test_a_service_that_hangs_is_a_finding_in_bounded_time(check: Check, cloud: EmbeddedCloud):
    set_faults(cloud.state, [Fault(service="neutron", delay=HANGS)])
    start = time.monotonic()
    report = check(seconds=5, nodes__image="linux-record")
    assert time.monotonic() - start < HANGS
    [(_, key, message), (_, other, _)] = said(report)
    assert key == "cloud.name"
    assert message.startswith("network: extensions, networks, subnets, ")
    assert message.endswith(": no answer within 5 s")
    assert other == "nodes.image"
    assert "instances" in rows(report)
    assert "ports" not in rows(report)


def test_a_keystone_that_hangs_is_a_finding_in_bounded_time(check: Check, cloud: EmbeddedCloud):
    set_faults(cloud.state, [Fault(service="keystone", delay=HANGS)])
    start = time.monotonic()
    report = check(seconds=4)
    assert time.monotonic() - start < HANGS
    assert said(report) == [("error", "cloud.name", "authentication: no answer within 4 s")]


def test_a_service_that_is_down_is_said_and_the_others_are_still_checked(check: Check, cloud: EmbeddedCloud):
    set_faults(cloud.state, [Fault(service="cinder", drop=True), Fault(service="nova", status=500)])
    found = said(check(nodes__image="linux-record"))
    assert [each[1] for each in found] == ["cloud.name", "cloud.name", "nodes.image"]
    assert found[0][2].startswith("compute: flavors, availability zones, computes, ")
    assert "quotas: 500" in found[0][2]
    assert found[1][2].startswith("block-storage: volumes, volume types, ")


def doctor(cloud: EmbeddedCloud, tmp_path: Path, image: str, *args: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "Pulumi.prod.yaml"
    environment = {
        "cloud": {"name": "embedded"},
        "nodes": {"image": image, "control_plane": {"flavor": "m1.medium", "schedulable": True}},
    }
    file.write_text(yaml.safe_dump({"config": {"terp:environment": environment}}))
    return subprocess.run(
        [sys.executable, "-m", "terp", "doctor", str(file), *args],
        env=cloud.env,  # its own state directory: there the embedded cloud is found without any clouds.yaml
        check=False,
        timeout=120,
        text=True,
        capture_output=True,
    )


def test_terp_doctor(cloud: EmbeddedCloud, tmp_path: Path):
    good, bad = doctor(cloud, tmp_path, "linux"), doctor(cloud, tmp_path, "linux-record", "--json")
    assert good.returncode == 0, good.stdout + good.stderr
    assert good.stdout.endswith("prod can be raised\n")
    assert bad.returncode == 2
    report = json.loads(bad.stdout)
    assert [each["key"] for each in report["findings"]] == ["nodes.image"]
    assert {each["resource"] for each in report["quota"]} >= {"instances", "cores", "ports"}
