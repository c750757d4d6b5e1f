"""SSH to the hosts of a stack: key, known hosts and a configuration that ssh and Ansible read as they are."""

import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from terp.command import Command
from terp.environment.findings import did_you_mean
from terp.errors import TerpError
from terp.openstack.hosts import Host
from terp.progress import Task
from terp.stack.workspace import Workspace

CONNECT = 10
"""Seconds to a connection."""
PATIENCE = 300.0
"""Seconds until a host answers whose console has shown its key."""
CLOUD_INIT = 900.0
"""Seconds that cloud-init may take."""
DONE = (0, 2)
"""Exit codes of `cloud-init status` when it has ended: well, or with recoverable errors (cloud-init 23.4)."""
UNREACHABLE = 255
"""Exit code of ssh itself."""
AT_ONCE = 16


def write_access_files(
    workspace: Workspace, hosts: Sequence[Host], private_key: str, kubeconfig: str | None = None
) -> None:
    """Write private key, known_hosts, ssh_config and kubeconfig of a stack, each complete or not at all."""
    if kubeconfig:
        _write(workspace.kubeconfig, kubeconfig)
    else:
        workspace.kubeconfig.unlink(missing_ok=True)
    _write(workspace.private_key, private_key)
    _write(workspace.known_hosts, known_hosts(hosts))
    _write(workspace.ssh_config, ssh_config(workspace, hosts))


def known_hosts(hosts: Iterable[Host]) -> str:
    """Every host's key under its name and its addresses."""
    lines = []
    for host in hosts:
        names = [host.name, str(host.address)]
        names += [str(address) for address in (host.address_ipv6, host.floating_ip) if address]
        lines.append(f"{','.join(names)} {host.host_key}\n")
    return "".join(lines)


def ssh_config(workspace: Workspace, hosts: Sequence[Host]) -> str:
    """One entry for each host; those without a floating IP are reached through the bastion."""
    bastion = next((host for host in hosts if host.role == "bastion"), None)
    everyone = (
        f"IdentityFile {workspace.private_key}",
        "IdentitiesOnly yes",
        f"UserKnownHostsFile {workspace.known_hosts}",
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
        "UpdateHostKeys no",
        "PasswordAuthentication no",
        f"ConnectTimeout {CONNECT}",
        "ServerAliveInterval 15",
        "ServerAliveCountMax 4",
    )
    text = f"# Hosts of {workspace.stack}. Use it: ssh -F {workspace.ssh_config} <host>\n"
    for host in hosts:
        lines = [f"HostName {host.access_address}", f"HostKeyAlias {host.name}", f"User {host.user}"]
        if bastion and host is not bastion and not host.floating_ip:
            lines.append(f"ProxyJump {bastion.name}")
        text += f"\nHost {host.name}\n" + "".join(f"  {line}\n" for line in (*lines, *everyone))
    return text


def ssh_arguments(workspace: Workspace, host: str, hosts: Sequence[Host]) -> list[str]:
    """The `ssh` command to one host, by its name or by what follows the stack's name in it.

    Raises:
        TerpError: there is no such host (exit code 2).
    """
    by_name = {each.name.removeprefix(f"{workspace.stack}-"): each.name for each in hosts}
    wanted = by_name.get(host.removeprefix(f"{workspace.stack}-"))
    if not wanted:
        hint = did_you_mean(host, by_name)
        raise TerpError(f"stack {workspace.stack} has no host {host!r}", hint=hint, exit_code=2)
    return ["ssh", "-F", str(workspace.ssh_config), wanted]


def wait_for_ssh(workspace: Workspace, hosts: Sequence[Host], task: Task) -> None:
    """Wait until every host answers and cloud-init has done its work there.

    Raises:
        TerpError: some do not, with all that they said.
    """
    answered: list[str] = []

    def one(host: Host) -> str:
        said = _wait_for_one(workspace, host)
        answered.append(host.name)
        task.update(f"{len(answered)} of {len(hosts)} answer", len(answered) / len(hosts))
        return said

    with ThreadPoolExecutor(AT_ONCE) as waiting:
        problems = [said for said in waiting.map(one, hosts) if said]
    if problems:
        raise TerpError(
            f"{len(problems)} of {len(hosts)} hosts are not ready\n" + "\n".join(problems),
            hint="see its console: openstack console log show NAME",
        )


def _wait_for_one(workspace: Workspace, host: Host) -> str:
    """What is wrong with a host; nothing when it is ready."""
    command = Command(("ssh", "-F", str(workspace.ssh_config), "-o", "BatchMode=yes"), timeout=CLOUD_INIT)
    end = time.monotonic() + PATIENCE
    while True:
        done = command.run(host.name, "cloud-init status --wait", check=False)
        if done.returncode in DONE:
            return ""
        if done.returncode != UNREACHABLE:
            return f"{host.name}: cloud-init: {done.stdout.strip() or done.stderr.strip()}"
        if "HOST IDENTIFICATION HAS CHANGED" in done.stderr or time.monotonic() > end:
            return f"{host.name}: {done.stderr.strip()}"
        time.sleep(1)


def _write(file: Path, text: str) -> None:
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    new.replace(file)
