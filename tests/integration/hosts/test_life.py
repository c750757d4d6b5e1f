"""The life of a host: it starts, answers, stops, and is what its flavor says."""

import os
import threading

import pytest

from terp.cloud.hosts import Host
from terp.cloud.process import wait_for
from terp.errors import TerpError

from .conftest import Lab, traces

pytestmark = pytest.mark.hosts


def test_a_host_answers_ssh_and_is_what_was_asked_for(lab: Lab) -> None:
    script = "#!/bin/sh\necho $(id -un) > /root/user-data-ran\n"
    host = lab.run(script, name="worker-1", memory=768, vcpus=1, disk=6)
    assert lab.out(host, "hostname") == "worker-1"
    assert lab.out(host, "cat /etc/machine-id") == host.id.replace("-", "")
    wait_for(
        "user data to run", lambda: lab.ssh(host, "sudo cat /root/user-data-ran", check=False).stdout, 30
    )
    assert lab.out(host, "cloud-init status --wait", timeout=60).endswith("status: done")
    assert lab.out(host, "systemctl is-system-running --wait") == "running"
    assert lab.out(host, "sudo systemctl --failed --quiet") == ""
    assert lab.out(host, "nproc") == "1"
    assert lab.out(host, "awk '/MemTotal/ {print $2}' /proc/meminfo") == str(768 * 1024)
    assert lab.out(host, "grep -c ^processor /proc/cpuinfo") == "1"
    disk = int(lab.out(host, "df --output=size -B1 / | tail -1"))
    assert 0.9 * 6 < disk / 2**30 <= 6
    assert b"Reached target" in host.console()
    assert 0 < (host.memory() or 0) < 768 << 20
    assert (host.cpu() or 0) > 0


def test_a_stopped_host_keeps_its_disk_and_starts_again(lab: Lab) -> None:
    host = lab.run()
    boot, key = lab.boot_of(host), lab.out(host, "cat /etc/ssh/ssh_host_ed25519_key.pub")
    lab.ssh(host, "echo kept > note; sudo touch /etc/kept /var/lib/kept; sync")
    host.stop()
    assert not host.running()
    assert (host.folder / "exit").read_text().strip() == "0", "it powered off in order"
    assert host.memory() is None
    host.start()
    lab.wait_for_ssh(host)
    assert lab.boot_of(host) != boot
    assert lab.out(host, "cat note; ls /etc/kept /var/lib/kept").split() == [
        "kept",
        "/etc/kept",
        "/var/lib/kept",
    ]
    assert lab.out(host, "cat /etc/ssh/ssh_host_ed25519_key.pub") == key


def test_a_host_can_be_stopped_while_it_boots(lab: Lab) -> None:
    host = lab.create()
    host.start()
    host.stop(20)
    assert not host.running()
    host.start()
    lab.wait_for_ssh(host)


def test_the_plug_can_be_pulled(lab: Lab) -> None:
    host = lab.run()
    lab.ssh(host, "echo kept > note; sync")
    host.kill()
    assert not host.running()
    host.start()
    lab.wait_for_ssh(host)
    assert lab.out(host, "cat note") == "kept"


def test_starting_a_running_host_changes_nothing(lab: Lab) -> None:
    host = lab.run()
    boot = lab.boot_of(host)
    host.start()
    assert lab.boot_of(host) == boot


def test_a_host_reboots_from_inside(lab: Lab) -> None:
    host = lab.run()
    boot = lab.boot_of(host)
    lab.ssh(host, "echo kept > note; sudo reboot", check=False)
    lab.wait_for_reboot(host, boot)
    assert host.running()
    assert lab.out(host, "cat note") == "kept"


def test_a_host_powers_off_from_inside(lab: Lab) -> None:
    host = lab.run()
    lab.ssh(host, "sudo poweroff", check=False)
    wait_for("the host to end", lambda: not host.running(), 20)
    host.start()
    lab.wait_for_ssh(host)


def test_a_destroyed_host_leaves_nothing(lab: Lab) -> None:
    host = lab.run()
    before = [trace for trace in traces(lab.place) if host.id in trace]
    assert before, "the test sees what it looks for"
    host.destroy()
    assert [trace for trace in traces(lab.place) if host.id in trace] == []
    assert not host.exists()
    assert [path for path in lab.place.path("hosts").iterdir() if path.name.startswith(host.id)] == []
    host.destroy()


def test_what_does_not_exist_is_an_error_that_names_it(lab: Lab) -> None:
    spec = lab.spec()
    with pytest.raises(TerpError, match=spec.id):
        Host(lab.place, spec.id).start()
    Host.create(lab.place, spec, lab.seed(spec))
    with pytest.raises(TerpError, match="exists already"):
        Host.create(lab.place, spec, lab.seed(spec))


def test_two_hosts_may_have_one_name(lab: Lab) -> None:
    first, second = lab.create(name="twin"), lab.create(name="twin")
    for host in (first, second):
        host.start()
    for host in (first, second):
        lab.wait_for_ssh(host)
    assert lab.out(first, "hostname") == lab.out(second, "hostname") == "twin"
    assert lab.out(first, "cat /etc/machine-id") != lab.out(second, "cat /etc/machine-id")
    assert lab.ssh(first, f"ping -c1 -W2 {lab.addresses[second.id]}").returncode == 0


def test_a_private_umask_of_the_caller_does_not_reach_the_host(lab: Lab) -> None:
    before = os.umask(0o077)
    try:
        host = lab.run()
    finally:
        os.umask(before)
    assert lab.out(host, "cat /proc/meminfo /run/terp/volumes && ls / /var /lib/modules/* && id -un")


def test_threads_that_work_on_one_host_do_not_disturb_each_other(lab: Lab) -> None:
    host = lab.create()
    errors: list[BaseException] = []

    def disturb(work: list[str]) -> None:
        try:
            for step in work:
                getattr(Host(lab.place, host.id), step)()
        except BaseException as error:  # noqa: BLE001  reported below
            errors.append(error)

    plans = (["start", "kill", "start"], ["start", "start"], ["release", "start"], ["kill", "start", "start"])
    threads = [threading.Thread(target=disturb, args=(list(plan),)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert errors == []
    host.start()
    lab.wait_for_ssh(host)


def test_an_interface_comes_and_goes_while_the_host_runs(lab: Lab) -> None:
    host = lab.run()
    nic = lab.spec().nics[0]
    host.plug(nic)
    assert nic.mac in lab.out(host, "ip -o link show eth1")
    host.stop()
    host.start()
    lab.wait_for_ssh(host)
    assert nic.mac in lab.out(host, "ip -o link show eth1")
    host.unplug(nic.port)
    assert "eth1" not in lab.out(host, "ip -o link")
