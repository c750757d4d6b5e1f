"""Whatever dies, is killed or is interrupted: the next command finds its way."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import pytest

from terp.cloud.hosts import Host, hosts, reconcile, stop_all, sweep
from terp.cloud.process import wait_for
from terp.paths import PROJECT

from .conftest import Lab, traces

pytestmark = pytest.mark.hosts


def processes(host: Host) -> dict[str, int]:
    """The shim, nspawn and PID 1 of a host, found by name below the shim."""
    shim = next(int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and _is_shim(p, host))
    nspawn = _child(shim)
    return {"shim": shim, "nspawn": nspawn, "PID 1": _child(nspawn)}


def _is_shim(process: Path, host: Host) -> bool:
    try:
        cmdline, comm = (process / "cmdline").read_bytes(), (process / "comm").read_text().strip()
    except OSError:  # it ended meanwhile
        return False
    return str(host.folder).encode() in cmdline.split(b"\0") and b"nsenter" in cmdline and comm == "shim"


def _child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@pytest.mark.parametrize("which", ["shim", "nspawn", "PID 1"])
def test_killing_one_process_of_a_host_ends_all_of_it(lab: Lab, which: str) -> None:
    host = lab.run()
    lab.ssh(host, "echo kept > note; sync")
    os.kill(processes(host)[which], signal.SIGKILL)
    wait_for("the host to end", lambda: not host.running(), 10)
    host.start()
    lab.wait_for_ssh(host)
    assert lab.out(host, "cat note") == "kept"
    host.destroy()
    assert [trace for trace in traces(lab.place) if host.id in trace] == []


def do_in_another_process(lab: Lab, body: str) -> None:
    """Work with the same place in another process, which is killed when it has done the `body`."""
    script = f"""
        import sys, threading, time
        from terp.cloud.hosts import Host
        from terp.cloud.place import Place
        place = Place.model_validate_json(sys.argv[1])
        {body}
        print("done", file=sys.stderr, flush=True)
        time.sleep(600)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), lab.place.model_dump_json()],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "platform")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
    )
    try:
        assert process.stderr
        assert process.stderr.readline() == b"done\n"
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)


def test_a_host_outlives_the_process_that_started_it(lab: Lab) -> None:
    host = lab.create()
    do_in_another_process(lab, f"Host(place, {host.id!r}).start()")
    assert host.running()
    lab.wait_for_ssh(host)
    boot = lab.boot_of(host)
    assert reconcile(lab.place).running == (host.id,)
    assert lab.boot_of(host) == boot
    host.stop()
    assert not host.running()


def test_reconcile_after_a_crash_removes_what_no_host_owns(lab: Lab) -> None:
    runs, fell = lab.run(), lab.run()
    for pid in processes(fell).values():
        os.kill(pid, signal.SIGKILL)
    half = lab.create()
    half._record_file.unlink()  # as if its making or its removal had been interrupted
    stray = lab.create()
    stray.start()
    shutil.move(stray._record_file, lab.place.path("taken"))
    wait_for("the killed host to end", lambda: not fell.running(), 10)

    found = reconcile(lab.place)

    assert found.running == (runs.id,)
    assert found.stopped == (fell.id,)
    assert set(found.removed) == {half.id, stray.id}
    left = traces(lab.place)
    assert [trace for trace in left if any(gone.id in trace for gone in (fell, half, stray))] == []
    assert lab.out(runs, "true") == ""
    assert {host.id for host in hosts(lab.place)} == {runs.id, fell.id}
    fell.start()
    lab.wait_for_ssh(fell)


def test_stop_all_leaves_only_disks(lab: Lab) -> None:
    started = [lab.run(), lab.run()]
    started[0].attach(str(uuid.uuid4()), lab.volume(), "/dev/vdb")
    stop_all(lab.place)
    assert [trace for trace in traces(lab.place) if any(host.id in trace for host in started)] == []
    assert len(hosts(lab.place)) == 2
    started[0].start()
    lab.wait_for_ssh(started[0])


def test_sweep_needs_no_record(lab: Lab) -> None:
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    shared = Path("/run/terp/sysctls.json").exists()
    before = limit.read_text()
    first, second = lab.run(), lab.run()
    first.attach(str(uuid.uuid4()), lab.volume(), "/dev/vdb")
    lab.ssh(first, "sudo systemd-run --quiet unshare --pid --fork --mount-proc sleep 1000")
    do_in_another_process(lab, f"threading.Thread(target=Host(place, {first.id!r}).stop).start()")
    for host in (first, second):
        host._record_file.unlink()
        (host.folder / "process.json").unlink(missing_ok=True)
    sweep(lab.place)
    left = [trace for trace in traces(lab.place) if "client" not in trace and "fabric" not in trace]
    assert left == []
    assert shared or limit.read_text() == before
    sweep(lab.place)


def test_sweep_right_after_a_start_finds_a_shim_that_is_nowhere_yet(lab: Lab) -> None:
    host = lab.create()
    for _ in range(5):
        do_in_another_process(lab, f"Host(place, {host.id!r}).start()")
        sweep(lab.place)
        assert [trace for trace in traces(lab.place) if host.id in trace] == []
