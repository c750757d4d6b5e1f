import subprocess
from pathlib import Path

from tests.unit.kubernetes.runner.nodes import FIRST, WORKER, node

from terp.kubernetes.runner.access import Access, known_hosts, ssh_config

BASTION = node("bastion", 9, access_address="198.51.100.9")


def settings(folder: Path, host: str, access: Access) -> dict[str, str]:
    """What ssh itself makes of the configuration for a host."""
    file = folder / "ssh_config"
    file.write_text(ssh_config((FIRST, WORKER), access, folder))
    argv = ["ssh", "-G", "-F", str(file), host]
    said = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=10).stdout
    return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)


def test_a_node_is_the_same_by_name_and_by_address(tmp_path: Path):
    by_name = settings(tmp_path, "cp-1", Access("key"))
    by_address = settings(tmp_path, "198.51.100.10", Access("key"))
    for found in (by_name, by_address):
        assert (found["hostname"], found["hostkeyalias"]) == ("198.51.100.10", "cp-1")
        assert (found["user"], found["port"]) == ("debian", "22")
        assert found["stricthostkeychecking"] == "true"
        assert found["passwordauthentication"] == "no"
        assert found["identityfile"] == str(tmp_path / "private_key")
        assert found["userknownhostsfile"] == str(tmp_path / "known_hosts")
        assert "proxyjump" not in found


def test_only_nodes_without_an_address_of_their_own_are_reached_through_the_bastion(tmp_path: Path):
    access = Access("key", BASTION)
    assert settings(tmp_path, "worker-1", access)["proxyjump"] == "bastion"
    assert "proxyjump" not in settings(tmp_path, "cp-1", access)
    assert "proxyjump" not in settings(tmp_path, "bastion", access)
    assert settings(tmp_path, "bastion", access)["hostname"] == "198.51.100.9"


def test_every_node_has_its_key_under_its_name():
    assert known_hosts((FIRST, WORKER)) == "cp-1 ssh-ed25519 KEY1\nworker-1 ssh-ed25519 KEY2\n"


def test_the_private_key_is_not_shown():
    assert "secret" not in repr(Access("secret"))
