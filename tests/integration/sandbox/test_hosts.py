"""What the hosts of an environment are like, seen over SSH."""

import time

import pytest

from tests.integration.sandbox.site import Site

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools]

HOSTS = ("site-bastion", "site-control-plane-0", "site-cpu-0", "site-cpu-1", "site-store-0")
SKEW = 2.0
"""Seconds that a host's clock may differ from this machine's, SSH included."""


def test_there_are_the_hosts_that_the_file_names(site: Site) -> None:
    assert sorted(site.hosts) == sorted(HOSTS)


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_has_the_name_of_its_server(site: Site, name: str) -> None:
    remote = site.remote(name)
    assert remote.check_output("hostname") == name
    assert remote.check_output("hostname --short") == name


@pytest.mark.parametrize("name", HOSTS)
def test_only_keys_open_a_host_and_root_has_none(site: Site, name: str) -> None:
    remote = site.remote(name)
    with remote.sudo():
        settings = dict(
            line.split(" ", 1) for line in remote.check_output("sshd -T").splitlines() if " " in line
        )
        shadow = remote.check_output(f"getent shadow {site.hosts[name].user}").split(":")[1]
    assert remote.user().name == site.hosts[name].user == remote.system_info.distribution
    assert settings["passwordauthentication"] == "no"
    assert settings["kbdinteractiveauthentication"] == "no"
    assert settings["permitrootlogin"] == "no"
    assert shadow[0] in "!*"
    assert remote.run("sudo -n true").succeeded


@pytest.mark.parametrize("name", HOSTS)
def test_sshd_takes_as_many_sessions_as_ansible_opens(site: Site, name: str) -> None:
    with site.remote(name).sudo():
        said = site.remote(name).check_output("sshd -T")
    assert "maxsessions 128" in said
    assert "maxstartups 128:30:512" in said


@pytest.mark.parametrize("name", HOSTS)
def test_the_key_of_a_host_is_the_one_that_is_known(site: Site, name: str) -> None:
    own = site.remote(name).check_output("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub")
    known = (site.ssh_config.parent / "known_hosts").read_text()
    assert own == site.hosts[name].host_key
    assert [line for line in known.splitlines() if own in line and name in line.split()[0].split(",")]


@pytest.mark.parametrize("name", HOSTS)
def test_the_clock_of_a_host_is_right(site: Site, name: str) -> None:
    before = time.time()
    theirs = float(site.remote(name).check_output("date +%s.%N"))
    assert before - SKEW < theirs < time.time() + SKEW
    remote = site.remote(name)
    assert "ntp.example.org" in remote.file("/etc/systemd/timesyncd.conf.d/terp.conf").content_string
    assert "ntp.example.org" in remote.file("/etc/chrony/sources.d/terp.sources").content_string


@pytest.mark.parametrize("name", HOSTS)
def test_nothing_installs_packages_by_itself(site: Site, name: str) -> None:
    for timer in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert site.remote(name).run(f"systemctl is-enabled {timer}").stdout.strip() == "masked"


@pytest.mark.parametrize(
    ("name", "volume", "mount"),
    [("site-control-plane-0", "etcd", "/var/lib/etcd"), ("site-cpu-0", "data", "/var/lib/data")],
)
def test_a_volume_is_mounted_by_its_id(site: Site, name: str, volume: str, mount: str) -> None:
    remote, wanted = site.remote(name), site.hosts[name].volumes[volume]
    point = remote.mount_point(mount)
    assert point.exists
    assert point.filesystem == wanted.filesystem
    link = f"/dev/disk/by-id/virtio-{wanted.id[:20]}"
    assert remote.check_output(f"readlink -f {link}") == point.device


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_has_one_address_for_each_port(site: Site, name: str) -> None:
    host, remote = site.hosts[name], site.remote(name)
    addresses = remote.check_output("ip -o addr show scope global")
    assert f"{host.address}/24" in addresses
    assert f"{host.address_ipv6}/64" in addresses
    for address in host.additional_addresses.values():
        assert f"{address}/24" in addresses
    assert addresses.count(" inet ") == 1 + len(host.additional_addresses)


def test_an_address_that_was_asked_for_is_given(site: Site) -> None:
    assert str(site.hosts["site-control-plane-0"].address) == "10.20.0.10"


def test_the_default_route_is_that_of_the_nodes_network(site: Site) -> None:
    assert (
        site.remote("site-cpu-0")
        .check_output("ip -o route show default")
        .startswith("default via 10.20.0.1 ")
    )


def test_terp_ssh_runs_a_command_and_gives_its_exit_code(site: Site) -> None:
    done = site.terp("ssh", str(site.file), "cpu-1", "--", "hostname; exit 7")
    assert (done.stdout.strip(), done.returncode) == ("site-cpu-1", 7)
    missing = site.terp("ssh", str(site.file), "cpu-9")
    assert missing.returncode == 2
    assert "did you mean" in missing.stderr
