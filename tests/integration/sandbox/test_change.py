"""Changes of an environment whose hosts are real."""

import subprocess

import pytest

from tests.integration.sandbox.site import Site

pytestmark = [pytest.mark.hosts, pytest.mark.cloud, pytest.mark.tools]


def server_ids(site: Site) -> dict[str, str]:
    return {name: host.server_id for name, host in site.hosts.items()}


def test_nothing_changes_by_itself(site: Site) -> None:
    assert set(site.up()["changes"]) == {"same", "read"}


def test_a_flavor_changes_one_host_which_keeps_its_disk_and_address(site: Site) -> None:
    site.remote("site-cpu-1").check_output("echo kept | sudo tee /var/lib/data/mark /srv/mark")
    before, address = server_ids(site), site.hosts["site-cpu-1"].address
    site.write(
        lambda text: text.replace("zones: [", "overrides: {1: {flavor: m1.medium}}\n          zones: [")
    )
    assert site.up()["changes"]["update"] == 1
    assert server_ids(site) == before
    assert site.hosts["site-cpu-1"].address == address
    remote = site.remote("site-cpu-1")
    assert int(remote.check_output("awk '/MemTotal/ {print $2}' /proc/meminfo")) == 4096 * 1024
    assert remote.check_output("cat /srv/mark /var/lib/data/mark").split() == ["kept", "kept"]
    assert remote.mount_point("/var/lib/data").exists


def test_a_replaced_host_keeps_address_and_data_and_gets_a_new_key(site: Site) -> None:
    site.remote("site-cpu-0").check_output("echo kept | sudo tee /var/lib/data/mark; sync")
    before, old = server_ids(site), site.hosts["site-cpu-0"]
    urn = (
        "urn:pulumi:site::terp::terp:openstack:Cloud$terp:openstack:NodePool$openstack:compute/"
        "instance:Instance::cpu-0"
    )
    done = site.terp("up", str(site.file), "--", "--replace", urn)
    assert done.returncode == 0, done.stdout + done.stderr
    site.up()
    after, new = server_ids(site), site.hosts["site-cpu-0"]
    assert {name for name in after if after[name] != before[name]} == {"site-cpu-0"}
    assert new.address == old.address
    assert new.volumes == old.volumes
    assert new.host_key != old.host_key
    assert site.remote("site-cpu-0").file("/var/lib/data/mark").content_string == "kept\n"


def test_a_host_that_poses_as_another_is_refused(site: Site) -> None:
    known = site.ssh_config.parent / "known_hosts"
    told = known.read_text()
    other = site.hosts["site-cpu-1"].host_key
    known.write_text(told.replace(site.hosts["site-store-0"].host_key, other))
    try:
        done = subprocess.run(
            ["ssh", "-F", str(site.ssh_config), "-o", "BatchMode=yes", "site-store-0", "true"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        known.write_text(told)
    assert done.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in done.stderr
