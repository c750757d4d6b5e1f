"""Runs that are killed, and runs that meet another: the next one goes on, or says who holds the stack."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from terp.cloud.faults import Fault, set_faults
from terp.cloud.process import wait_for
from tests.integration.openstack.conftest import MakeSite
from tests.integration.openstack.site import Site, descendants, everything
from tests.integration.openstack.test_faults import assert_whole, environment

pytestmark = [pytest.mark.tools, pytest.mark.cloud, pytest.mark.timeout(900)]

Moment = Callable[[Site], bool]
MOMENTS: dict[str, Moment] = {
    "first-request": lambda site: any(site.member.network.networks(name=f"{site.stack}-nodes")),
    "servers-begun": lambda site: any(site.member.compute.servers()),
    "balancer-begun": lambda site: any(site.member.load_balancer.load_balancers()),
}


SLOW = [
    Fault(service=service, method="POST", delay=2) for service in ("nova", "neutron", "octavia", "cinder")
]
"""Every creation takes a moment longer, so that a kill meets some in the middle."""


@contextmanager
def interrupted(site: Site, moment: Moment, victim: str) -> Iterator[None]:
    """Begin an `up`, and kill the engine or all of it at a moment; the engine's plugins live on within."""
    process = site.start("up", "--no-hosts")
    programs: list[int] = []
    try:
        wait_for("the moment to kill it", lambda: moment(site), 120, 0.1)
        assert process.poll() is None
        programs = descendants(process.pid)
        if victim == "terp":
            process.kill()
        os.killpg(programs[0], signal.SIGKILL)
        process.communicate(timeout=30)
        assert process.returncode != 0
        yield
    finally:
        for pid in programs:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=30)


def pending(site: Site) -> list[str]:
    """What the killed engine had begun, as its checkpoint on disk says."""
    checkpoint = json.loads(site.state_file.read_text())["checkpoint"]["latest"] or {}
    return [each["type"] for each in checkpoint.get("pending_operations") or ()]


@pytest.mark.parametrize("victim", ["engine", "terp"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_up_that_was_killed_is_gone_on_with(sites: MakeSite, moment: str, victim: str) -> None:
    site = sites(f"{victim}-{moment}", environment())
    set_faults(site.cloud.state, SLOW)
    with interrupted(site, MOMENTS[moment], victim):
        set_faults(site.cloud.state, [])
        assert list(site.locks.glob("*.json"))
        assert pending(site)
        site.up()
    assert not list(site.locks.glob("*.json"))
    assert not pending(site)
    assert_whole(site)
    site.destroy()
    assert not any(everything(site.member).values())


def test_a_stack_in_the_hands_of_another_run_is_refused(sites: MakeSite) -> None:
    site = sites("held", environment())
    set_faults(site.cloud.state, SLOW)
    first = site.start("up", "--no-hosts")
    try:
        wait_for("the first run's lock", lambda: any(site.locks.glob("*.json")), 60, 0.1)
        said = site.terp("up", "--no-hosts", code=1).stderr
        holder = json.loads(next(site.locks.glob("*.json")).read_text())
        assert f"process {holder['pid']}" in said and socket.gethostname() in said
        site.terp("destroy", "--yes", code=1)
        assert first.poll() is None
    finally:
        set_faults(site.cloud.state, [])
        _, said = first.communicate(timeout=240)
    assert first.returncode == 0, said
    assert_whole(site)
    site.destroy()


def test_a_lock_of_another_machine_is_left_alone(sites: MakeSite) -> None:
    site = sites("elsewhere", environment())
    site.terp("env")
    site.locks.mkdir(parents=True)
    lock = site.locks / "11111111-2222-3333-4444-555555555555.json"
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    content = {"pid": 4_000_000, "username": "ada", "hostname": "another-machine", "timestamp": stamp}
    lock.write_text(json.dumps(content))
    said = site.terp("up", "--no-hosts", code=1).stderr
    assert "ada on another-machine, process 4000000" in said
    assert lock.exists()
    assert not any(site.things().values())
    lock.unlink()
