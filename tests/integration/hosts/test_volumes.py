"""Volumes: block devices that come, stay over a reboot, and go; and root disks that outlive their host."""

import uuid

import pytest

from terp.cloud.hosts import Host
from terp.command import Command
from terp.errors import TerpError

from .conftest import Lab, traces

pytestmark = pytest.mark.hosts


def by_id(volume_id: str) -> str:
    """The path by which cloud software looks for a volume."""
    return f"/dev/disk/by-id/virtio-{volume_id[:20]}"


def test_a_volume_is_attached_formatted_and_survives_reboots(lab: Lab) -> None:
    host = lab.run()
    volume, file = str(uuid.uuid4()), lab.volume(128)
    host.attach(volume, file, "/dev/vdb")
    assert lab.out(host, f"readlink -f {by_id(volume)}") == "/dev/vdb"
    assert int(lab.out(host, "sudo blockdev --getsize64 /dev/vdb")) == 128 << 20
    lab.ssh(host, "sudo mkfs.ext4 -q /dev/vdb && sudo mkdir /data && sudo mount /dev/vdb /data")
    lab.ssh(host, f"echo '{by_id(volume)} /data ext4 defaults,nofail 0 2' | sudo tee -a /etc/fstab")
    lab.ssh(host, "echo kept | sudo tee /data/note && sync")
    for way in ("sudo reboot", "sudo systemctl daemon-reload; sudo reboot"):
        boot = lab.boot_of(host)
        lab.ssh(host, way, check=False)
        lab.wait_for_reboot(host, boot)
        assert lab.out(host, "findmnt -n -o SOURCE /data; cat /data/note").split() == ["/dev/vdb", "kept"]
    for end in (host.stop, host.kill, host.release):
        end()
        host.start()
        lab.wait_for_ssh(host)
        assert lab.out(host, "cat /data/note") == "kept"


def test_a_detached_volume_is_gone_from_host_and_machine(lab: Lab) -> None:
    host = lab.run()
    volume, file = str(uuid.uuid4()), lab.volume()
    host.attach(volume, file, "/dev/vdb")
    lab.ssh(host, "sudo mkfs.ext4 -q /dev/vdb && sudo mount /dev/vdb /mnt && echo kept | sudo tee /mnt/note")
    host.detach(volume)
    assert lab.ssh(host, f"test -e /dev/vdb -o -e {by_id(volume)}", check=False).returncode == 1
    assert "/mnt" not in lab.out(host, "findmnt -n -o TARGET")
    assert [trace for trace in traces(lab.place) if file.name in trace] == []
    host.detach(volume)
    host.attach(volume, file, "/dev/vdc")
    assert lab.out(host, f"sudo mount {by_id(volume)} /mnt && cat /mnt/note") == "kept"


def test_a_volume_attached_to_a_stopped_host_is_there_when_it_starts(lab: Lab) -> None:
    host = lab.create()
    volume = str(uuid.uuid4())
    host.attach(volume, lab.volume(), "/dev/vdb")
    host.start()
    lab.wait_for_ssh(host)
    assert lab.out(host, f"readlink -f {by_id(volume)}") == "/dev/vdb"
    host.stop()
    host.detach(volume)
    host.start()
    lab.wait_for_ssh(host)
    assert lab.ssh(host, "test -e /dev/vdb", check=False).returncode == 1


def test_volumes_keep_apart(lab: Lab) -> None:
    host = lab.run()
    volumes = {f"/dev/vd{letter}": str(uuid.uuid4()) for letter in "bcd"}
    for device, volume in volumes.items():
        host.attach(volume, lab.volume(), device)
    for device in volumes:
        lab.ssh(host, f"echo {device} | sudo dd of={device} conv=fsync status=none")
    boot = lab.boot_of(host)
    lab.ssh(host, "sudo reboot", check=False)
    lab.wait_for_reboot(host, boot)
    for device, volume in volumes.items():
        assert lab.out(host, f"sudo head -c 8 {by_id(volume)}") == device


def test_a_root_volume_keeps_its_data_for_the_next_host(lab: Lab) -> None:
    volume = lab.volume(3 << 10)
    first = lab.run(root_volume=volume)
    assert 2.5 < int(lab.out(first, "df --output=size -B1 / | tail -1")) / 2**30 <= 3
    lab.ssh(first, "echo kept > note; sudo touch /var/lib/kept; sync")
    first.destroy()
    assert volume.exists()
    second = lab.run(root_volume=volume)
    assert second.id != first.id
    assert lab.out(second, "cat note; ls /var/lib/kept; hostname").split() == [
        "kept",
        "/var/lib/kept",
        second.record().spec.name,
    ]


def test_a_volume_with_other_data_is_not_overwritten(lab: Lab) -> None:
    volume = lab.volume(512)
    Command(("mkswap",)).run(volume)
    spec = lab.spec(root_volume=volume)
    with pytest.raises(TerpError, match="swap"):
        Host.create(lab.place, spec, lab.seed(spec))
