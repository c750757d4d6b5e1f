"""Kernel settings that the machine shares with its hosts: raised while hosts run, set back after the last.

The hosts' root can write them too (the kubelet insists on some), so all that a node is known to write is
remembered before the first host starts.
"""

import contextlib
import json
from contextlib import AbstractContextManager
from pathlib import Path

from terp.cloud.hosts.lock import locked
from terp.cloud.hosts.record import write
from terp.model import Model

SHARED = Path("/proc/sys")
RECORD = Path("/run/terp/sysctls.json")
"""One for the machine, not for a cloud: the last cloud that stops sets the values back."""

RAISED = {"fs/inotify/max_user_instances": 8192, "fs/inotify/max_user_watches": 1_048_576}
"""One systemd takes several instances, one kubelet many watches; the limits count all hosts together."""

REMEMBERED = (
    *RAISED,
    "fs/may_detach_mounts",
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/pid_max",
    "kernel/threads-max",
    "vm/max_map_count",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "vm/swappiness",
)


class Original(Model):
    """The values before the first host, and the clouds (state directories) that have hosts."""

    values: dict[str, str]
    users: tuple[str, ...]


def hold(user: Path) -> None:
    """Remember the values for the first cloud, and raise what is too low."""
    with _record_lock():
        known = _read()
        values = known.values if known else _current()
        users = tuple(dict.fromkeys([*(known.users if known else ()), str(user)]))
        write(RECORD, Original(values=values, users=users).model_dump_json())
        for name, least in RAISED.items():
            file = SHARED / name
            if file.exists() and int(file.read_text()) < least:
                file.write_text(str(least))


def give_back(user: Path) -> None:
    """Set the values back unless another cloud still has hosts."""
    if not RECORD.exists():
        return
    with _record_lock():
        known = _read()
        if known is None:
            return
        left = tuple(each for each in known.users if each != str(user) and Path(each).exists())
        if left:
            write(RECORD, known.model_copy(update={"users": left}).model_dump_json())
            return
        for name, value in known.values.items():
            file = SHARED / name
            if file.exists() and file.read_text().strip() != value:
                file.write_text(value)
        RECORD.unlink()
        _lock_file().unlink()
    with contextlib.suppress(OSError):  # somebody else's file is in it
        RECORD.parent.rmdir()


def _lock_file() -> Path:
    return RECORD.with_suffix(".lock")


def _record_lock() -> AbstractContextManager[None]:
    RECORD.parent.mkdir(mode=0o755, exist_ok=True)
    return locked(_lock_file())


def _read() -> Original | None:
    try:
        return Original.model_validate(json.loads(RECORD.read_text()))
    except FileNotFoundError:
        return None


def _current() -> dict[str, str]:
    return {name: (SHARED / name).read_text().strip() for name in REMEMBERED if (SHARED / name).exists()}
