"""What the flavor gives is also all that a host gets."""

import time

import pytest

from terp.cloud.hosts import Host

from .conftest import Lab

pytestmark = pytest.mark.hosts

SPIN = "python3 -c 'while True: pass'"


def ate(lab: Lab, host: Host, size: int) -> bool:
    """Whether a program in the host got `size` MiB of memory."""
    eater = f"b = bytearray({size} << 20); b[::4096] = b'x' * len(b[::4096]); print('ate it')"
    # Its end takes the rest of the login session with it (OOMPolicy of systemd), so its code does not tell.
    return "ate it" in lab.ssh(host, f'python3 -c "{eater}"', check=False).stdout


def test_memory_beyond_the_flavor_kills_the_eater_and_not_the_host(lab: Lab) -> None:
    host = lab.run(memory=256)
    boot = lab.boot_of(host)
    assert ate(lab, host, 64)
    assert not ate(lab, host, 400)
    assert lab.boot_of(host) == boot
    assert (host.memory() or 0) <= 256 << 20


def test_root_in_the_host_cannot_lift_its_memory_limit(lab: Lab) -> None:
    host = lab.run(memory=256)
    for limit in ("memory/memory.limit_in_bytes", "memory.max"):
        lab.ssh(host, f"echo 4G | sudo tee /sys/fs/cgroup/{limit}", check=False)
    assert not ate(lab, host, 400)


def test_a_host_gets_the_cpu_time_of_its_flavor(lab: Lab) -> None:
    host = lab.run(vcpus=1)
    assert lab.out(host, "cloud-init status --wait", timeout=60).endswith("done")
    before, start = host.cpu() or 0, time.monotonic()
    lab.ssh(host, f"timeout 4 {SPIN} & timeout 4 {SPIN} & timeout 4 {SPIN} & wait", check=False)
    spent, elapsed = (host.cpu() or 0) - before, time.monotonic() - start
    assert 2 < spent < elapsed * 1.1, "three busy programs share one CPU"
