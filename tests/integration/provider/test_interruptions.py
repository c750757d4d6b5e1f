"""Whatever dies in the middle of a run: nothing is left behind, and the next `up` ends it."""

import os
import signal

import pytest

from tests.integration.provider.conftest import Hosts, Stack

pytestmark = [pytest.mark.hosts, pytest.mark.tools]
SLOW = {"seconds": 60}
BEGAN = "begins with [secret]"


@pytest.fixture
def running(stack: Stack, hosts: Hosts):
    """An `up` in the middle of a run."""
    stack.write(variables=SLOW)
    started = stack.start("up", "--yes", "--skip-preview")
    stack.wait_for(BEGAN)
    yield started
    if started.poll() is None:
        os.killpg(started.pid, signal.SIGKILL)
    started.wait(10)


def test_an_interrupt_ends_the_run_and_keeps_the_cluster(running, stack: Stack, hosts: Hosts):
    running.send_signal(signal.SIGINT)
    assert running.wait(20) != 0
    stack.wait_for_no_provider()
    assert stack.resource()["id"] == "demo"
    assert "stopped at task" in stack.resource()["initErrors"][0]
    stack.write(variables={})
    stack.up()
    assert hosts.runs() == ["cluster.yml", "cluster.yml", "cluster.yml ended"]


def test_a_killed_provider_is_followed_by_one_that_goes_on(running, stack: Stack, hosts: Hosts):
    os.kill(stack.provider(), signal.SIGKILL)
    assert running.wait(30) != 0
    stack.write(variables={})
    stack.up()
    assert hosts.runs() == ["cluster.yml", "cluster.yml", "cluster.yml ended"]
    assert stack.resource()["id"] == "demo"


def test_a_killed_engine_takes_the_provider_along(running, stack: Stack, hosts: Hosts):
    running.kill()
    running.wait(10)
    stack.wait_for_no_provider()
    stack.run("cancel", "--yes")
    stack.run("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
    stack.write(variables={})
    stack.up()
    assert hosts.runs() == ["cluster.yml", "cluster.yml", "cluster.yml ended"]


def test_an_edit_that_is_taken_back_after_a_kill_is_still_a_change(stack: Stack, hosts: Hosts):
    stack.up()
    before = stack.inputs["variables"]
    stack.write(variables=SLOW)
    started = stack.start("up", "--yes", "--skip-preview")
    stack.wait_for(BEGAN)
    os.kill(stack.provider(), signal.SIGKILL)
    started.wait(30)
    stack.write(variables=before)
    assert "1 to update" in stack.run("preview")
