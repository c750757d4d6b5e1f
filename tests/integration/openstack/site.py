"""One environment of a test: its stack file, `terp` and `pulumi` on it, and what the cloud has of it."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from openstack.connection import Connection

from terp.cloud.faults import Fault, set_faults
from terp.environment import Environment, read
from tests.integration.cloud.conftest import EmbeddedCloud

IMAGE = "linux"
Things = dict[str, dict[str, Any]]
"""By kind and name, as the API shows them."""


class Site:
    """One stack on a cloud of records."""

    def __init__(
        self, cloud: EmbeddedCloud, folder: Path, stack: str, environment: Mapping[str, Any]
    ) -> None:
        self.cloud = cloud
        self.stack = stack
        self.file = folder / f"Pulumi.{stack}.yaml"
        self.member = cloud.connect()
        self.project: Path | None = None
        """Where plain Pulumi works; None for the project that Terp keeps for the stack."""
        self._variables = ""
        self.write(environment)

    @property
    def root(self) -> Path:
        """The folder that Terp keeps for the stack."""
        return self.cloud.state.root.parent / "stacks" / self.stack

    @property
    def backend(self) -> Path:
        """Where Pulumi keeps its states."""
        return self.cloud.state.root.parent / "pulumi" / ".pulumi"

    @property
    def state_file(self) -> Path:
        """Pulumi's state of the stack."""
        return self.backend / "stacks" / "terp" / f"{self.stack}.json"

    @property
    def locks(self) -> Path:
        """Where Pulumi locks the stack."""
        return self.backend / "locks" / "organization" / "terp" / self.stack

    @property
    def environment(self) -> Environment:
        """What the file says."""
        return read(self.file)

    def write(self, environment: Mapping[str, Any]) -> None:
        """Let the stack's file say this."""
        text = yaml.safe_dump({"config": {"terp:environment": environment}}, sort_keys=False)
        self.file.write_text(text)

    def start(self, command: str, *args: str) -> subprocess.Popen[str]:
        """`terp <command> <stack's file>`, begun, in a session of its own."""
        return subprocess.Popen(
            [*self.cloud.prefix, sys.executable, "-m", "terp", command, str(self.file), *args],
            env=self.cloud.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def terp(
        self, command: str, *args: str, code: int = 0, said: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`terp <command> <stack's file>` to its end, with `said` on its input; it must end with `code`."""
        done = subprocess.run(
            [*self.cloud.prefix, sys.executable, "-m", "terp", command, str(self.file), *args],
            env=self.cloud.env,
            input=said or "",
            text=True,
            capture_output=True,
            timeout=280,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def up(self, *args: str) -> dict[str, Any]:
        """`terp up`; what it did."""
        said = self.terp("up", "--no-hosts", "--json", *args).stdout
        done: dict[str, Any] = json.loads(said.splitlines()[-1])
        return done

    def destroy(self) -> None:
        """`terp destroy`."""
        self.terp("destroy", "--yes")

    def shell(self, line: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A line of shell in a project with the stack, with the variables that `terp env` gives."""
        self._variables = self._variables or self.terp("env").stdout
        done = subprocess.run(
            ["bash", "-c", f"{self._variables}\n{line}"],
            cwd=self.project or self.root,
            env=self.cloud.env,
            stdin=subprocess.DEVNULL,
            text=True,
            capture_output=True,
            timeout=280,
        )
        assert not (check and done.returncode), done.stdout + done.stderr
        return done

    def pulumi(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Plain `pulumi` on the stack."""
        line = shlex.join(["pulumi", *args, "--non-interactive", "--stack", self.stack])
        return self.shell(line, check=check)

    def exported(self) -> dict[str, Any]:
        """What `pulumi stack export` prints."""
        exported: dict[str, Any] = json.loads(self.pulumi("stack", "export").stdout)
        return exported

    def state_ids(self) -> set[str]:
        """The ids of everything in the state."""
        return {each["id"] for each in self.exported()["deployment"]["resources"] if each.get("id")}

    def ids(self, kind: str) -> dict[str, str]:
        """Id by logical name of what the state has of one type, for example `compute/instance:Instance`."""
        resources = self.exported()["deployment"].get("resources", [])
        return {
            each["urn"].rpartition("::")[2]: each["id"]
            for each in resources
            if each["type"] == f"openstack:{kind}" and each.get("id")
        }

    def things(self) -> Things:
        """What the cloud has of the stack."""
        return things(self.member, self.stack)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within, the cloud refuses to be changed, and at the end it is as it was."""
        before = self.things()
        rules = [
            Fault(service=service, method=method, status=503)
            for service in ("nova", "neutron", "cinder", "glance", "octavia")
            for method in ("POST", "PUT", "PATCH", "DELETE")
        ]
        set_faults(self.cloud.state, rules)
        try:
            yield
        finally:
            set_faults(self.cloud.state, [])
        assert differences(before, self.things()) == []


def things(member: Connection, stack: str) -> Things:
    """All of a stack's things by kind and name; the stack's name is left out of theirs.

    What has no name of its own is called by what it joins.
    """
    found = {kind: named(all_of, stack) for kind, all_of in everything(member).items()}
    networks = {each["id"] for each in found["networks"].values()}
    groups = {each["id"]: name for name, each in found["security_groups"].items()}
    routers = {each["id"] for each in found["routers"].values()}
    found["rules"] = {
        rule_name(rule, groups): rule.to_dict()
        for rule in member.network.security_group_rules()
        if rule.security_group_id in groups
    }
    found["interfaces"] = {
        port.fixed_ips[0]["ip_address"]: port.to_dict()
        for port in member.network.ports(device_owner="network:router_interface")
        if port.device_id in routers
    }
    ports = {port.id: port for port in member.network.ports() if port.network_id in networks}
    found["floating_ips"] = {
        address.floating_ip_address: address.to_dict()
        for address in member.network.ips()
        if address.description == f"terp:stack={stack}"
    }
    found["vips"] = {
        port.name: port.to_dict() for port in ports.values() if port.device_owner.lower() == "octavia"
    }
    return found


def differences(before: Things, after: Things) -> list[str]:
    """What is otherwise, thing by thing; the order of a list means nothing."""
    found = []
    for kind in before.keys() | after.keys():
        old, new = before.get(kind, {}), after.get(kind, {})
        found += [f"{kind} {name}: came or went" for name in old.keys() ^ new.keys()]
        found += [
            f"{kind} {name}: {key}: {old[name][key]} -> {new[name].get(key)}"
            for name in old.keys() & new.keys()
            for key in old[name]
            if in_order(old[name][key]) != in_order(new[name].get(key))
        ]
    return sorted(found)


def in_order(value: Any) -> Any:
    """A value whose lists are sorted."""
    if isinstance(value, dict):
        return {key: in_order(each) for key, each in value.items()}
    return sorted(map(in_order, value), key=repr) if isinstance(value, list) else value


def everything(member: Connection) -> dict[str, list[Any]]:
    """All that the project has, beside what every project has."""
    mine = {"project_id": member.current_project_id}
    return {
        "servers": list(member.compute.servers()),
        "volumes": list(member.block_storage.volumes()),
        "server_groups": list(member.compute.server_groups()),
        "keypairs": list(member.compute.keypairs()),
        "ports": list(member.network.ports(**mine)),
        "networks": list(member.network.networks(**mine)),
        "subnets": list(member.network.subnets(**mine)),
        "routers": list(member.network.routers(**mine)),
        "security_groups": [
            each for each in member.network.security_groups(**mine) if each.name != "default"
        ],
        "floating_ips": list(member.network.ips(**mine)),
        "load_balancers": list(member.load_balancer.load_balancers()),
        "listeners": list(member.load_balancer.listeners()),
        "pools": list(member.load_balancer.pools()),
        "monitors": list(member.load_balancer.health_monitors()),
    }


def named(listed: list[Any], stack: str) -> dict[str, Any]:
    """Those of a stack, by their name within it; two of one name are never right."""
    found = [each for each in listed if each.name == stack or (each.name or "").startswith(f"{stack}-")]
    names = [each.name.removeprefix(stack).removeprefix("-") for each in found]
    assert len(set(names)) == len(names), f"more than one of a name: {sorted(names)}"
    return {name: each.to_dict() for name, each in zip(names, found, strict=True)}


def rule_name(rule: Any, groups: Mapping[str, str]) -> str:
    """`node: ingress IPv4 tcp 22-22 from bastion`."""
    remote = groups.get(rule.remote_group_id or "") or rule.remote_ip_prefix or "anywhere"
    ports = f"{rule.port_range_min}-{rule.port_range_max}" if rule.port_range_min else ""
    way = "from" if rule.direction == "ingress" else "to"
    said = (rule.direction, rule.ether_type, rule.protocol or "", ports, way, remote)
    return f"{groups[rule.security_group_id]}: " + " ".join(part for part in said if part)


def descendants(pid: int) -> list[int]:
    """The programs that a process has started, and those that they have; nearest first."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]
