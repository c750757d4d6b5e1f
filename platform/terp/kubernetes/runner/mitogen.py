"""Mitogen in the place of Ansible's own way to run tasks on hosts.

Ansible starts a process here and a Python there for each task on each host; Mitogen keeps one Python on a
host and sends it what is new. Hosts need Python before the first task, as they do for the readiness checks.
What it gains: docs/decisions/033-mitogen.md.
"""

from dataclasses import replace

from terp.kubernetes.runner.installation import Installation
from terp.virtualenv import Say, Virtualenv


def environment() -> Virtualenv:
    """Its own, which any Ansible of the same Python reads: a release of Kubespray keeps that of its pins."""
    return Virtualenv("mitogen")


def with_mitogen(installation: Installation, say: Say) -> Installation:
    """The installation with Mitogen, after that was installed.

    Raises:
        TerpError: it could not be.
    """
    ours = environment()
    ours.make(say)
    (plugins,) = ours.root.glob("lib/python*/site-packages/ansible_mitogen/plugins/strategy")
    strategy = {"strategy_plugins": str(plugins), "strategy": "mitogen_linear"}
    return replace(
        installation,
        settings={**installation.settings, **strategy},
        variables={**installation.variables, "mitogen_ssh_compression": False},
    )
