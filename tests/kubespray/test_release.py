"""The release that is tested with is what Terp takes it for, with the Ansible that it asks for."""

import re

from terp.command import Command
from terp.environment.kubespray import known_kubernetes
from terp.kubernetes.runner.installation import Installation


def test_the_release_is_what_terp_knows_and_its_ansible_what_it_pins(
    release: str, installation: Installation, supported: list[str]
):
    requirements = (installation.playbooks / "requirements.txt").read_text()
    pinned = re.search(r"^ansible==(\S+)", requirements, re.MULTILINE)
    assert pinned
    shown = Command((str(installation.bin / "ansible-community"),), timeout=60).output("--version")
    assert shown.endswith(pinned[1])
    assert list(known_kubernetes(release)) in ([], supported)  # of a newer release nothing is known
