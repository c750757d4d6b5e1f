"""cloud-init's user data: as it is, and as cloud-init will read it."""

import subprocess
from collections.abc import Callable
from typing import Any

import yaml

from terp.environment.access import Access
from terp.environment.nodes import DataVolume
from terp.openstack.user_data import user_data

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ada@example.org"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n-----END CERTIFICATE-----\n"
FULL = Access.model_validate(
    {
        "ssh": {"public_keys": [KEY]},
        "trusted_ca": CERTIFICATE,
        "time_servers": ["ntp1.example.org", "ntp2.example.org"],
    }
)
VOLUMES = {
    "1f0b1a2c-0000-4000-8000-000000000001": DataVolume(size=4, mount="/var/lib/etcd"),
    "1f0b1a2c-0000-4000-8000-000000000002": DataVolume(size=9, mount="/scratch", filesystem="xfs"),
}


def files(text: str) -> dict[str, str]:
    read: dict[str, Any] = yaml.safe_load(text)
    return {each["path"]: each["content"] for each in read["write_files"]}


def test_what_a_plain_server_gets(golden: Callable[[str, str], None]) -> None:
    golden("user-data/plain.yaml", user_data("prod-cpu-0", Access(), {}))


def test_what_a_server_with_everything_gets(golden: Callable[[str, str], None]) -> None:
    golden("user-data/full.yaml", user_data("prod-cpu-0", FULL, VOLUMES))


def test_both_are_yaml_with_what_was_asked_for() -> None:
    plain = yaml.safe_load(user_data("prod-cpu-0", Access(), {}))
    assert plain["hostname"] == "prod-cpu-0"
    assert not plain["ssh_pwauth"] and plain["disable_root"]
    assert "runcmd" not in plain
    full = yaml.safe_load(user_data("prod-cpu-0", FULL, VOLUMES, "ssh-ed25519 OWN"))
    assert full["ssh_authorized_keys"] == ["ssh-ed25519 OWN", KEY]
    assert full["ca_certs"]["trusted"] == [CERTIFICATE]
    assert ["systemctl", "enable", "terp-volumes.service"] in full["runcmd"]


def test_volumes_are_told_by_their_ids() -> None:
    told = files(user_data("prod-cpu-0", FULL, VOLUMES))["/etc/terp/volumes"].splitlines()
    assert [line.split() for line in told] == [
        ["1f0b1a2c-0000-4000-8000-000000000001", "ext4", "/var/lib/etcd"],
        ["1f0b1a2c-0000-4000-8000-000000000002", "xfs", "/scratch"],
    ]


def test_the_script_is_one_that_a_shell_reads() -> None:
    script = files(user_data("prod-cpu-0", FULL, VOLUMES))["/usr/local/sbin/terp-mount-volumes"]
    checked = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr
