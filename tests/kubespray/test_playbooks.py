"""Every playbook that a plan runs is understood with every environment's inventory and variables."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from terp.kubernetes.runner.installation import Installation
from tests.kubespray.clusters import Ansible, Cluster, said

PLAYBOOKS = (
    "cluster.yml",
    "scale.yml",
    "remove-node.yml",
    "upgrade-cluster.yml",
    "recover-control-plane.yml",
    "reset.yml",
    "playbooks/facts.yml",
)
Prepare = Callable[[Cluster], Ansible]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_the_syntax_is_right(playbook: str, environment: Cluster, ansible: Prepare):
    done = ansible(environment).play(playbook, "--syntax-check")
    assert done.returncode == 0, said(done)
    assert "playbook: " in done.stdout
    assert "inventory" not in done.stderr, said(done)  # it would be left out with a warning


def test_a_role_that_is_not_found_fails_the_check(
    installation: Installation, sandbox: Cluster, tmp_path: Path
):
    done = Ansible(tmp_path, replace(installation, settings={}), sandbox).play(
        "cluster.yml", "--syntax-check"
    )
    assert done.returncode != 0
    assert "was not found" in done.stderr


def test_an_inventory_that_cannot_be_read_is_noticed(sandbox: Cluster, ansible: Prepare):
    prepared = ansible(sandbox)
    (prepared.folder / "inventory" / "hosts.yaml").write_text("all: [")
    assert "inventory" in prepared.play("cluster.yml", "--syntax-check").stderr
