"""An installer: any folder of playbooks with Kubespray's interface, and the Ansible that it is made for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue


@dataclass(frozen=True)
class Installation:
    """`playbooks` has cluster.yml, scale.yml …; `bin` has its ansible-playbook.

    `settings` are for the section [defaults] of ansible.cfg: roles_path, library …, absolute. `variables` are
    group variables that the playbooks need beside the environment's, which come first.
    """

    name: str
    version: str
    playbooks: Path
    bin: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, JsonValue] = field(default_factory=dict)
