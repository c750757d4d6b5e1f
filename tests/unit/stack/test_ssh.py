"""The files by which ssh and Ansible come to the hosts."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from terp.errors import TerpError
from terp.openstack.hosts import Host
from terp.stack.ssh import known_hosts, ssh_arguments, ssh_config, write_access_files

ROOT = Path("/state/stacks/prod")


def host(name: str, address: str, role: str = "worker", **more: Any) -> Host:
    return Host.model_validate(
        {
            "name": f"prod-{name}",
            "server_id": f"id-{name}",
            "role": role,
            "group": name,
            "number": 0,
            "user": "debian",
            "address": address,
            "host_key": f"ssh-ed25519 KEY-{name}",
            **more,
        }
    )


BASTION = host("bastion", "10.10.0.5", "bastion", floating_ip="198.51.100.20")
CONTROL_PLANE = host("control-plane-0", "10.10.0.10", "control-plane", address_ipv6="fd00:10:10::10")
EDGE = host("edge-0", "10.10.0.30", floating_ip="198.51.100.31")
HOSTS = (CONTROL_PLANE, EDGE, BASTION)


def workspace(root: Path = ROOT) -> Any:
    return SimpleNamespace(
        stack="prod",
        ssh_config=root / "ssh_config",
        known_hosts=root / "known_hosts",
        private_key=root / "private_key",
        kubeconfig=root / "kubeconfig",
    )


def test_the_configuration(golden: Callable[[str, str], None]) -> None:
    golden("ssh/ssh_config", ssh_config(workspace(), HOSTS))


def test_the_known_hosts(golden: Callable[[str, str], None]) -> None:
    golden("ssh/known_hosts", known_hosts(HOSTS))


def test_without_a_bastion_nothing_is_jumped_over() -> None:
    assert "ProxyJump" not in ssh_config(workspace(), (CONTROL_PLANE, EDGE))


def test_a_host_is_found_by_its_name_and_by_its_short_one() -> None:
    long, short = (ssh_arguments(workspace(), name, HOSTS) for name in ("prod-edge-0", "edge-0"))
    assert long == short == ["ssh", "-F", str(ROOT / "ssh_config"), "prod-edge-0"]


def test_a_host_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(TerpError) as refused:
        ssh_arguments(workspace(), "egde-0", HOSTS)
    assert refused.value.exit_code == 2
    assert "edge-0" in refused.value.hint


def test_the_files_are_for_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "private_key").write_text("an old one, for everybody")
    write_access_files(workspace(tmp_path), HOSTS, "a secret")
    assert (tmp_path / "private_key").read_text() == "a secret"
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    assert {file.name for file in tmp_path.iterdir()} == {"private_key", "known_hosts", "ssh_config"}


def test_the_kubeconfig_goes_with_the_cluster(tmp_path: Path) -> None:
    write_access_files(workspace(tmp_path), HOSTS, "a secret", "another")
    assert (tmp_path / "kubeconfig").read_text() == "another"
    assert (tmp_path / "kubeconfig").stat().st_mode & 0o777 == 0o600
    write_access_files(workspace(tmp_path), HOSTS, "a secret")
    assert not (tmp_path / "kubeconfig").exists()
