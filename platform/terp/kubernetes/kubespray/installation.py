"""A release of Kubespray, ready to be run: its tree, and an environment made from that tree's own pins.

Releases need versions of Ansible that exclude each other, so none shares an environment with another.
"""

from terp.kubernetes.kubespray.source import Tree, tree
from terp.kubernetes.runner.installation import Installation
from terp.virtualenv import Say, Virtualenv

NAME = "kubespray"


def installation(version: str, source: str, commit: str | None, say: Say) -> Installation:
    """The release from `source`, at `commit` (see `terp.kubernetes.kubespray.source.tree`).

    Raises:
        TerpError: the tree is not there or not the right one, or its Ansible could not be installed.
    """
    return installed(tree(version, source, commit, say), say)


def installed(tree: Tree, say: Say) -> Installation:
    """A tree with its Ansible; the environment is made if it is missing.

    Raises:
        TerpError: it could not be installed.
    """
    ansible = environment(tree)
    if not ansible.exists():
        ansible.make(say)
    return Installation(
        name=NAME,
        version=tree.version,
        playbooks=tree.path,
        bin=ansible.python.parent,
        settings={
            "roles_path": str(tree.path / "roles"),
            "library": str(tree.path / "library"),
            # Names of groups with "-" are Kubespray's own; keys and credentials are no inventories.
            "force_valid_group_names": "ignore",
            "inventory_ignore_extensions": "~, .orig, .bak, .ini, .cfg, .retry, .pyc, .pyo, .creds, .gpg",
        },
    )


def environment(tree: Tree) -> Virtualenv:
    """The Python environment of a tree; trees with equal pins share it."""
    return Virtualenv(NAME, pins=tree.path / "requirements.txt")
