"""Servers are real hosts: everything here is seen from inside them, over SSH."""

import subprocess
from collections.abc import Iterator

import pytest

from terp.cloud import hosts, network
from terp.cloud.hosts import Host
from terp.cloud.network.machine import PROXY_PORT
from terp.cloud.process import ProcessRecord, start_time, wait_for
from terp.cloud.supervisor import NAME, services
from tests.integration.cloud.conftest import EmbeddedCloud, kill
from tests.integration.cloud.site import Site
from tests.integration.cloud.test_api import wait_volume

pytestmark = [pytest.mark.cloud, pytest.mark.hosts, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(hosts_cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(hosts_cloud.connect(), tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def worker(site: Site) -> str:
    """Address of a server behind the bastion."""
    user_data = (
        "#cloud-config\nwrite_files:\n- {path: /etc/role, content: worker}\nruncmd:\n- touch /var/ran\n"
    )
    server = site.server("worker-1", user_data=user_data, metadata={"role": "worker"})
    site.wait_ssh(site.ip(server))
    return site.ip(server)


def server_at(site: Site, address: str):
    return next(each for each in site.member.compute.servers() if site.ip(each) == address)


def test_cloud_init_did_what_the_user_data_says(site: Site, worker: str) -> None:
    assert site.ssh(worker, "cat /etc/role; echo; ls /var/ran; hostname; id -un; sudo id -un").split() == [
        "worker",
        "/var/ran",
        "worker-1",
        site.user,
        "root",
    ]
    assert site.ssh(worker, ". /etc/os-release; echo $ID") == site.user


def test_the_host_key_is_told_by_the_console(site: Site, worker: str) -> None:
    console = site.member.compute.get_server_console_output(server_at(site, worker).id)["output"]
    key = site.ssh(worker, "cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub")
    assert "login" in console or "Reached target" in console
    assert key in console, "who connects first can compare the key with what the cloud's API shows"


def test_the_flavor_limits_memory_and_cpus(site: Site, worker: str) -> None:
    assert site.ssh(worker, "nproc") == "1"
    total = int(site.ssh(worker, "awk '/MemTotal/ {print $2}' /proc/meminfo"))
    assert total <= 2048 * 1024


def test_names_resolve_between_servers(site: Site, worker: str) -> None:
    bastion = site.ip(site.bastion)
    assert site.ssh(worker, "getent ahostsv4 bastion | head -1").split()[0] == bastion
    assert site.ssh("bastion", "getent ahostsv4 worker-1 | head -1").split()[0] == worker
    assert site.ssh("bastion", "getent ahostsv4 worker-1.cloud.internal | head -1").split()[0] == worker
    assert not site.reaches("bastion", "timeout 5 getent ahostsv4 nobody.example")


def test_a_volume_survives_reboots(site: Site, worker: str) -> None:
    server = server_at(site, worker)
    volume = site.member.block_storage.create_volume(name="data", size=1)
    wait_volume(site.member, volume, "available")
    site.member.compute.create_volume_attachment(server, volume_id=volume.id)
    wait_volume(site.member, volume, "in-use")
    device = f"/dev/disk/by-id/virtio-{volume.id[:20]}"
    site.ssh(
        worker,
        f"sudo mkfs.ext4 -q {device} && sudo mkdir -p /data && "
        f"echo '{device} /data ext4 defaults,nofail 0 2' | sudo tee -a /etc/fstab && "
        "sudo mount /data && echo kept | sudo tee /data/file",
    )
    compute = site.member.compute
    site.after_reboot(worker, lambda: compute.reboot_server(server, "SOFT"))
    assert site.ssh(worker, "cat /data/file; findmnt -no SOURCE /data").startswith("kept")
    site.after_reboot(worker, lambda: compute.reboot_server(server, "HARD"))
    assert site.ssh(worker, "cat /data/file") == "kept"
    site.after_reboot(worker, lambda: site.ssh(worker, "sudo reboot", check=False))
    assert site.ssh(worker, "cat /data/file") == "kept"
    wait_for("Nova to agree", lambda: compute.get_server(server).status == "ACTIVE", 30)
    site.ssh(worker, "sudo sed -i /data/d /etc/fstab; sudo umount /data")
    compute.delete_volume_attachment(server, volume.id)
    wait_volume(site.member, volume, "available")
    assert not site.reaches(worker, f"test -e {device}")
    site.member.block_storage.delete_volume(volume)


def test_stop_and_start_keep_the_disk(site: Site, worker: str) -> None:
    server = server_at(site, worker)
    site.ssh(worker, "echo kept > ~/file; sync")
    site.member.compute.stop_server(server)
    site.wait_status(server, "SHUTOFF")
    assert not site.reaches(worker)
    site.member.compute.start_server(server)
    site.wait_status(server, "ACTIVE")
    site.wait_ssh(worker)
    assert site.ssh(worker, "cat ~/file") == "kept"


def test_a_poweroff_inside_is_seen_by_nova(site: Site, worker: str) -> None:
    server = server_at(site, worker)
    site.ssh(worker, "sudo poweroff", check=False)
    site.wait_status(server, "SHUTOFF")
    site.member.compute.start_server(server)
    site.wait_status(server, "ACTIVE")
    site.wait_ssh(worker)


def test_a_killed_host_is_seen_by_nova(site: Site, worker: str, hosts_cloud: EmbeddedCloud) -> None:
    server = server_at(site, worker)
    hosts_cloud.terp("fault", "kill", "worker-1")
    site.wait_status(server, "SHUTOFF")
    site.member.compute.start_server(server)
    site.wait_status(server, "ACTIVE")
    site.wait_ssh(worker)


def test_a_server_boots_from_its_volume_again(site: Site) -> None:
    mapping = {
        "boot_index": 0,
        "uuid": site.image.id,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 3,
        "delete_on_termination": False,
    }
    first = site.server("first", block_device_mapping=[mapping])
    site.wait_ssh(site.ip(first))
    site.ssh(site.ip(first), "echo kept | sudo tee /var/kept; sync")
    volume = next(each for each in site.member.block_storage.volumes() if each.is_bootable)
    site.delete(first)
    wait_volume(site.member, volume, "available")
    again = {"boot_index": 0, "uuid": volume.id, "source_type": "volume", "destination_type": "volume"}
    second = site.server("second", block_device_mapping=[again])
    site.wait_ssh(site.ip(second))
    assert site.ssh(site.ip(second), "cat /var/kept") == "kept"
    site.delete(second)
    wait_volume(site.member, volume, "available")
    site.member.block_storage.delete_volume(volume)


def test_security_groups_refuse_until_a_rule_allows(site: Site, worker: str) -> None:
    site.listen(worker, 8080, "hello")
    assert site.opens("bastion", worker, 8080), "the node group lets its own and the bastion's in"
    site.listen("bastion", 8081, "hello")
    bastion = site.ip(site.bastion)
    assert not site.opens(worker, bastion, 8081)
    rule = site.allow(site.outer, site.rule(protocol="tcp", port=8081, group=site.inner))
    wait_for("the rule to hold", lambda: site.opens(worker, bastion, 8081), 10)
    site.member.network.delete_security_group_rule(rule)
    wait_for("the rule to be gone", lambda: not site.opens(worker, bastion, 8081), 20)


def test_servers_reach_the_apis_that_members_call(
    site: Site, worker: str, hosts_cloud: EmbeddedCloud
) -> None:
    ground = hosts_cloud.state.ground
    for port in ground.place.apis.values():
        assert site.opens(worker, ground.place.machine, port)
    assert not site.opens(worker, ground.place.machine, ground.ports["placement"])


def test_the_floating_ip_is_reached_from_inside(site: Site, worker: str) -> None:
    assert site.opens(worker, site.address, 22), "hairpin"


def test_networks_of_one_router_reach_each_other(site: Site) -> None:
    second = site.make_network("second", "10.21.0.0/24")
    site.join(second)
    server = site.server("elsewhere", network=second)
    site.wait_ssh(site.ip(server))
    site.delete(server)


def test_a_foreign_address_is_refused_until_it_is_paired(site: Site, worker: str) -> None:
    reserved = site.member.network.create_port(network_id=site.network.id, name="vip")
    vip = reserved.fixed_ips[0]["ip_address"]
    site.ssh(worker, f"sudo ip address add {vip}/24 dev eth0")
    ping = f"ping -c1 -W2 {vip}"
    assert not site.reaches("bastion", ping)
    port = site.port_of(server_at(site, worker))
    site.allow(site.inner, site.rule(protocol="icmp", group=site.outer))
    site.member.network.update_port(port, allowed_address_pairs=[{"ip_address": vip}])
    wait_for("the pair to hold", lambda: site.reaches("bastion", ping), 10)
    site.member.network.update_port(port, allowed_address_pairs=[])
    wait_for("the pair to be gone", lambda: not site.reaches("bastion", ping), 20)
    site.ssh(worker, f"sudo ip address del {vip}/24 dev eth0")
    site.member.network.delete_port(reserved)


def test_a_load_balancer_shares_the_load(site: Site) -> None:
    balancers = site.member.load_balancer
    members = [site.start(f"web-{number}") for number in (1, 2)]
    for server in members:
        site.active(server)
        site.wait_ssh(site.ip(server))
        site.listen(site.ip(server), 80, server.name)

    def settled() -> bool:
        return balancers.get_load_balancer(balancer.id).provisioning_status == "ACTIVE"

    def wait() -> None:
        wait_for("the load balancer", settled, 60, 0.3)

    balancer = balancers.create_load_balancer(name="web", vip_subnet_id=site.network.subnet_ids[0])
    wait()
    listener = balancers.create_listener(
        name="web", load_balancer_id=balancer.id, protocol="TCP", protocol_port=8000
    )
    wait()
    pool = balancers.create_pool(listener_id=listener.id, protocol="TCP", lb_algorithm="ROUND_ROBIN")
    wait()
    balancers.create_health_monitor(
        pool_id=pool.id, type="TCP", delay=1, timeout=1, max_retries=1, max_retries_down=1
    )
    wait()
    for server in members:
        balancers.create_member(pool, address=site.ip(server), protocol_port=80)
        wait()
    site.allow(site.inner, site.rule(protocol="tcp", port=80, prefix="10.20.0.0/24"))
    vip = balancer.vip_address
    address = site.member.network.create_ip(
        floating_network_id=site.external.id, port_id=balancer.vip_port_id
    )

    def answers(where: str) -> set[str]:
        fetch = f"for i in 1 2 3 4; do curl -s -m 3 http://{where}:8000/; done; true"
        return set(site.ssh("bastion", fetch).split())

    wait_for("both members to answer", lambda: answers(vip) == {"web-1", "web-2"}, 30, 0.5)
    wait_for("the floating IP", lambda: answers(address.floating_ip_address) == {"web-1", "web-2"}, 15, 0.5)
    site.member.compute.stop_server(members[0])
    site.wait_status(members[0], "SHUTOFF")
    wait_for("only the living to answer", lambda: answers(vip) == {"web-2"}, 30, 0.5)

    def states() -> list[str]:
        return sorted(member.operating_status for member in balancers.members(pool))

    wait_for("the dead member to be told", lambda: states() == ["ERROR", "ONLINE"], 30, 0.5)
    site.member.network.delete_ip(address)
    balancers.delete_load_balancer(balancer, cascade=True)
    wait_for("the load balancer to go", lambda: not list(balancers.load_balancers()), 60, 0.3)
    for server in members:
        site.delete(server)


@pytest.fixture
def running(hosts_cloud: EmbeddedCloud, site: Site, worker: str) -> Iterator[EmbeddedCloud]:
    """The cloud, which is up again afterwards, with its servers."""
    yield hosts_cloud
    hosts_cloud.up()
    site.wait_ssh("bastion")
    site.wait_ssh(worker)


@pytest.mark.parametrize("crash", [False, True], ids=["in peace", "after kill -9 of everything"])
def test_down_leaves_nothing_and_up_brings_the_servers_back(
    site: Site, worker: str, running: EmbeddedCloud, crash: bool
) -> None:
    site.ssh(worker, "echo kept > ~/crash; sync")
    assert running.traces()
    if crash:
        for pid in running.processes():
            subprocess.run(["kill", "-9", str(pid)], check=False, timeout=10)
        host = Host(running.state.ground.place, server_at_rest(running, "worker-1"))
        assert host.running(), "hosts outlive the control plane"
    running.down()
    assert running.traces() == ""
    running.up()
    site.wait_ssh("bastion")
    site.wait_ssh(worker)
    assert site.ssh(worker, "cat ~/crash") == "kept"


def server_at_rest(cloud: EmbeddedCloud, name: str) -> str:
    """Id of a server by name, without the API."""
    return next(host.id for host in hosts.hosts(cloud.state.ground.place) if host.record().spec.name == name)


@pytest.mark.parametrize("name", [NAME, "network", "proxy", "nova", "mariadb"])
def test_down_leaves_nothing_after_kill_9_of_one(running: EmbeddedCloud, name: str) -> None:
    kill(running, name)
    running.down()
    assert running.traces() == ""


def test_a_killed_data_plane_comes_back_and_follows_again(
    site: Site, worker: str, hosts_cloud: EmbeddedCloud
) -> None:
    site.listen("bastion", 8082, "hello")
    kill(hosts_cloud, "network")
    hosts_cloud.healthy_again()
    assert site.reaches(worker)
    rule = site.allow(site.outer, site.rule(protocol="tcp", port=8082, group=site.inner))
    bastion = site.ip(site.bastion)
    wait_for("a new rule to hold", lambda: site.opens(worker, bastion, 8082), 60)
    site.member.network.delete_security_group_rule(rule)


def test_a_killed_proxy_comes_back(site: Site, worker: str, hosts_cloud: EmbeddedCloud) -> None:
    machine = hosts_cloud.state.settings.external_network.gateway
    assert site.opens(worker, machine, PROXY_PORT)
    kill(hosts_cloud, "proxy")
    wait_for("the proxy to answer", lambda: site.opens(worker, machine, PROXY_PORT), 60)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A program of somebody else's."""
    process = subprocess.Popen(["sleep", "infinity"], start_new_session=True)
    yield process
    process.kill()
    process.wait(10)


def reboot(cloud: EmbeddedCloud, stranger: int) -> None:
    """Leave the machine as its reboot would: nothing runs, nothing is in the kernel, all is on the disk.

    The numbers that the records call processes of the cloud are somebody else's by now.
    """
    for pid in cloud.processes():
        subprocess.run(["kill", "-9", str(pid)], check=False, timeout=10)
    place = cloud.state.ground.place
    hosts.sweep(place)
    network.sweep(place)
    assert cloud.traces() == ""
    names = (NAME, *(service.name for service in services(cloud.state)))
    of_hosts = place.path("hosts").glob("*/process.json")
    for file in (*(cloud.state.process(name).record_file for name in names), *of_hosts):
        record = ProcessRecord.model_validate_json(file.read_bytes())
        now = {"pid": stranger, "start": start_time(stranger), "boot": "of-yesterday"}
        file.write_text(record.model_copy(update=now).model_dump_json())


def test_up_brings_everything_back_after_a_reboot_of_the_machine(
    site: Site, worker: str, running: EmbeddedCloud, stranger: subprocess.Popen[bytes]
) -> None:
    site.ssh(worker, "echo kept > ~/reboot; sudo touch /run/not-rebooted; sync")
    reboot(running, stranger.pid)
    running.up()
    running.healthy_again()
    site.wait_ssh("bastion")
    site.wait_ssh(worker)
    assert site.ssh(worker, "cat ~/reboot; test -e /run/not-rebooted || echo rebooted").split() == [
        "kept",
        "rebooted",
    ]
    assert {server.status for server in site.member.compute.servers()} == {"ACTIVE"}
    assert stranger.poll() is None, "a process that has the number of one from before the reboot is let alone"


def test_hosts_outlive_the_death_of_the_control_plane(
    site: Site, worker: str, hosts_cloud: EmbeddedCloud
) -> None:
    site.ssh(worker, "sudo touch /run/not-rebooted")
    for pid in hosts_cloud.processes():
        subprocess.run(["kill", "-9", str(pid)], check=False, timeout=10)
    hosts_cloud.up()
    site.wait_ssh(worker)
    assert site.reaches(worker, "test -e /run/not-rebooted")
    assert site.member.compute.get_server(server_at(site, worker)).status == "ACTIVE"


def test_deleting_everything_leaves_only_the_control_plane(site: Site, hosts_cloud: EmbeddedCloud) -> None:
    for server in site.member.compute.servers():
        site.delete(server)
    place = hosts_cloud.state.ground.place
    assert list(place.path("hosts").glob("*/host.json")) == []
    assert (
        subprocess.run(["losetup", "-a"], capture_output=True, text=True, timeout=10).stdout.count(
            str(place.root)
        )
        == 0
    )
