"""What the OpenStack layer asks Pulumi for, without an engine: resources by logical name, and inputs.

A logical name that changes replaces what is behind it: the golden files show it before a user's cloud does.
It then needs an alias of the old name, where the resource is made (CONTRIBUTING.md).
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks
from pulumi.runtime.mocks import MockMonitor

from terp.environment import Environment, read
from terp.environment.stack_file import stack_name
from terp.openstack.cloud import Cloud
from terp.openstack.hosts import Host
from terp.paths import PROJECT

SHIPPED = sorted((PROJECT / "stacks").glob("Pulumi.*.yaml"))
VALID = sorted((PROJECT / "tests" / "fixtures" / "valid").glob("*.yaml"))
LARGE = 20
"""Servers from which on the golden file has names only."""


class Recorder(Mocks):
    """Answers as a cloud would, and remembers what was asked for."""

    def __init__(self) -> None:
        self.resources: list[tuple[str, str, dict[str, Any]]] = []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.resources.append((args.typ, args.name, args.inputs))
        outputs = dict(args.inputs)
        if args.typ == "openstack:networking/port:Port":
            fixed = args.inputs["fixedIps"]
            first = fixed[0].get("ipAddress") or f"10.99.0.{sum(args.name.encode()) % 250 + 2}"
            outputs["allFixedIps"] = [first, *(["fd00::2"] if len(fixed) > 1 else [])]
        elif args.typ == "openstack:networking/floatingIp:FloatingIp":
            outputs["address"] = "198.51.100.99"
        elif args.typ == "openstack:loadbalancer/loadBalancer:LoadBalancer":
            outputs |= {"vipAddress": "10.99.0.254", "vipPortId": "vip-port"}
        elif args.typ == "tls:index/privateKey:PrivateKey":
            outputs |= {"privateKeyOpenssh": "private", "publicKeyOpenssh": "ssh-ed25519 AAAA own"}
        return f"id of {args.name}", outputs

    def call(self, args: MockCallArgs) -> dict[str, Any]:
        wanted = " ".join(sorted(value for value in args.args.values() if isinstance(value, str)))
        return {"id": f"{args.token.rpartition(':')[2]} {wanted}", "properties": {"os_distro": "debian"}}


class Registrar(MockMonitor):  # type: ignore[misc]
    """Remembers resources by the URN that the engine would give them, with the types of all parents."""

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        above = parent.split("::")[2] if parent else ""
        kind = type_ if above in ("", "pulumi:pulumi:Stack") else f"{above}${type_}"
        return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{kind}::{name}"


@pytest.fixture(autouse=True)
def no_host_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The consoles of servers that are not there say nothing."""
    key = "ssh-ed25519 AAAA host"

    class Known:
        def of(self, server_id: pulumi.Output[str]) -> pulumi.Output[str]:
            return server_id.apply(lambda _: key)

    monkeypatch.setattr("terp.openstack.cloud.host_keys_of", lambda _cloud: Known())


def made(stack: str, environment: Environment) -> tuple[Recorder, list[dict[str, Any]]]:
    """What was asked for, and the records of the hosts."""
    recorder = Recorder()
    return recorder, registered(Registrar(recorder), stack, environment)


def registered(monitor: MockMonitor, stack: str, environment: Environment) -> list[dict[str, Any]]:
    """The records of the hosts, after everything is registered."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(monitor.mocks, project="terp", stack=stack, monitor=monitor)
    hosts: list[dict[str, Any]] = []

    @pulumi.runtime.test
    def program() -> pulumi.Output[None]:
        return Cloud(stack, environment).hosts.apply(hosts.extend)

    program()
    return hosts


def lines(recorder: Recorder, *, names_only: bool) -> Iterator[str]:
    for kind, name, inputs in sorted(recorder.resources, key=lambda each: each[:2]):
        if kind.startswith("pulumi:"):
            continue
        shown = {key: value for key, value in inputs.items() if value is not None and key != "userData"}
        yield f"{kind} {name}" + ("" if names_only else f" {json.dumps(shown, sort_keys=True)}")


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_an_environment_becomes_these_resources(file: Path, golden: Callable[[str, str], None]) -> None:
    recorder, hosts = made(file.stem, read(file))
    golden(
        f"program/{file.stem}.txt",
        "\n".join(lines(recorder, names_only=len(hosts) > LARGE)) + "\n",
    )


@pytest.mark.parametrize("file", SHIPPED, ids=stack_name)
def test_no_logical_name_of_a_shipped_stack_changes(file: Path, golden: Callable[[str, str], None]) -> None:
    stack, monitor = stack_name(file), Registrar(Recorder())
    registered(monitor, stack, read(file))
    urns = sorted(urn.split("::", 2)[2] for urn in monitor.resources if "::pulumi:" not in urn)
    golden(f"urns/{stack}.txt", "\n".join(urns) + "\n")


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_the_hosts_are_typed_records_with_the_control_plane_first(file: Path) -> None:
    environment = read(file)
    _, found = made(file.stem, environment)
    hosts = [Host.model_validate(host) for host in found]
    count = environment.nodes.control_plane.count
    assert [host.role for host in hosts[:count]] == ["control-plane"] * count
    assert all(host.role != "control-plane" for host in hosts[count:])
    assert len({host.name for host in hosts}) == len(hosts)
    assert len({host.server_id for host in hosts}) == len(hosts)


def test_logical_names_are_no_others_when_a_pool_comes_between() -> None:
    environment = read(PROJECT / "tests" / "fixtures" / "valid" / "production.yaml")
    pools = environment.nodes.pools
    more = {"between": next(iter(pools.values())), **dict(reversed(pools.items()))}
    nodes = environment.nodes.model_copy(update={"pools": more})
    before = {each[:2] for each in made("one", environment)[0].resources}
    after = {each[:2] for each in made("one", environment.model_copy(update={"nodes": nodes}))[0].resources}
    assert before < after
    assert all("between" in name for _, name in after - before)


def test_names_in_designate_are_those_of_the_endpoint_and_the_bastion() -> None:
    environment = read(PROJECT / "tests" / "fixtures" / "valid" / "production.yaml")
    dns = {"zone": "ml.example.org", "create": True}
    named = Environment.model_validate(
        environment.model_dump() | {"cloud": environment.cloud.model_dump() | {"dns": dns}}
    )
    recorder, _ = made("prod", named)
    records = [
        inputs for kind, _, inputs in recorder.resources if kind == "openstack:dns/recordSet:RecordSet"
    ]
    assert sorted(each["name"] for each in records) == [
        "api.prod.ml.example.org.",
        "bastion.prod.ml.example.org.",
    ]
    zones = [inputs for kind, _, inputs in recorder.resources if kind == "openstack:dns/zone:Zone"]
    assert [zone["name"] for zone in zones] == ["ml.example.org."]
