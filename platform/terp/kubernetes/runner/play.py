"""ansible-runner in a process of its own: `python -I play.py FOLDER`.

It forks to make a terminal, and a process with the threads of gRPC does not survive that. `play.json` in the
folder says what to play. Each event, and in the end the status, is a line of JSON on standard output. Imports
nothing of ours: it shall start fast.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from ansible_runner import Runner, RunnerConfig
from ansible_runner.utils import get_callback_dir

POLL = 0.5
"""Seconds between two looks at whether anybody listens still."""
LARGEST = 65_536
"""Characters of the largest result that an event carries; facts of a host are about 30 kB."""
FAILURES = ("runner_on_failed", "runner_on_unreachable")
"""Events of which the whole result is told."""


def play(folder: Path) -> str:
    """Play what the folder says, and tell the events; the status of ansible-runner."""
    given = json.loads((folder / "play.json").read_text())
    config = RunnerConfig(
        private_data_dir=str(folder),
        project_dir=given["project"],
        playbook=given["playbook"],
        inventory=given["inventory"],
        cmdline=given["arguments"],
        ident="run",
        quiet=True,
        suppress_env_files=True,
        fact_cache_type="",  # ansible.cfg says where it is
    )
    config.prepare()
    config.suppress_output_file = True
    config.pexpect_timeout = POLL
    # A line that matches lets pexpect forget what was before it; it keeps all output otherwise.
    config.expect_passwords = {re.compile("\n"): None, **config.expect_passwords}
    config.env = {
        **given["environment"],
        "ANSIBLE_CALLBACK_PLUGINS": get_callback_dir(),
        "ANSIBLE_STDOUT_CALLBACK": "awx_display",
        "AWX_ISOLATED_DATA_DIR": config.artifact_dir,
        "MAX_EVENT_RES": str(LARGEST),
    }
    listener = os.getppid()
    runner = Runner(config, event_handler=tell, cancel_callback=lambda: os.getppid() != listener)
    status, _ = runner.run()
    return str(status)


def tell(event: dict[str, Any]) -> bool:
    """Tell an event without what nobody asks for; no file is written of it."""
    data = event.get("event_data") or {}
    if "res" in data and event["event"] not in FAILURES:
        data["res"] = {"changed": data["res"].get("changed", False)}
    say({"event": event.get("event"), "event_data": data, "stdout": event.get("stdout", "")})
    return False


def say(what: dict[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    say({"status": play(Path(sys.argv[1]))})
