"""ansible.cfg of one run, tuned to the hosts and to the machine that runs it."""

from collections.abc import Mapping
from pathlib import Path

from terp.kubernetes.runner.access import CONNECT, PERSIST

FORKS_OF_A_CORE = 12
"""Ansible's workers wait for hosts more than they compute; more than this only fills memory."""
FACTS = "facts"
"""Folder of the fact cache in the cluster's folder."""


def forks(hosts: int, cores: int) -> int:
    """How many hosts are worked on at once."""
    return max(5, min(hosts, FORKS_OF_A_CORE * cores, 100))


def configuration(
    folder: Path, controls: Path, facts: Path, hosts: int, cores: int, settings: Mapping[str, str]
) -> str:
    """The text of ansible.cfg; the installer's `settings` go before ours.

    Facts never expire: a run with a limit needs those of all other hosts, and entries of hosts that were
    replaced are removed before each run.
    """
    defaults = {
        "forks": str(forks(hosts, cores)),
        "host_key_checking": "True",
        "gathering": "smart",
        "fact_caching": "jsonfile",
        "fact_caching_connection": str(facts),
        "fact_caching_timeout": "0",
        "timeout": str(3 * CONNECT),
        "local_tmp": str(folder / "tmp"),
        "retry_files_enabled": "False",
        "force_valid_group_names": "ignore",
        "display_skipped_hosts": "False",
        "deprecation_warnings": "False",
        "interpreter_python": "auto_silent",
        "internal_poll_interval": "0.001",  # s between two looks at a worker; Ansible's own is 0.01
        **settings,
    }
    sections = {
        "defaults": defaults,
        "privilege_escalation": {"become": "True"},
        "inventory": {"ignore_patterns": "artifacts, credentials"},
        "ssh_connection": {
            "pipelining": "True",
            "control_path_dir": str(controls),
            "ssh_args": f"-o ControlMaster=auto -o ControlPersist={PERSIST}s",
            "retries": "2",
        },
    }
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
        for name, values in sections.items()
    )
