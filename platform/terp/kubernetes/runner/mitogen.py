"""Mitogen in the place of Ansible's own way to run tasks on hosts.

Ansible starts a process here and a Python there for each task on each host; Mitogen keeps one Python on a
host and sends it what is new. Hosts need Python before the first task, as they do for the readiness checks.
What it gains: docs/decisions/033-mitogen.md.
"""

from collections.abc import Mapping

from terp.virtualenv import Say, Virtualenv


def mitogen(say: Say) -> Mapping[str, str]:
    """Settings of ansible.cfg that take it, after it was installed.

    It has an environment of its own, which any Ansible of the same Python reads: a release of Kubespray keeps
    the one that its own pins make.

    Raises:
        TerpError: it could not be installed.
    """
    environment = Virtualenv("mitogen")
    environment.make(say)
    (plugins,) = environment.root.glob("lib/python*/site-packages/ansible_mitogen/plugins/strategy")
    return {"strategy_plugins": str(plugins), "strategy": "mitogen_linear"}
