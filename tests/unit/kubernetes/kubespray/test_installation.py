"""An installation is a tree with the Ansible that its own pins ask for."""

from pathlib import Path

from terp.kubernetes.kubespray.installation import environment, installed
from terp.kubernetes.kubespray.source import tree


def test_trees_with_equal_pins_share_an_environment_and_others_do_not(folder: Path):
    first = tree("v9.1.0", str(folder), None, lambda said: None)
    (folder / "cluster.yml").write_text("--- # changed\n")
    same = tree("v9.1.0", str(folder), None, lambda said: None)
    (folder / "requirements.txt").write_text("ansible==12.0.0\n")
    other = tree("v9.1.0", str(folder), None, lambda said: None)
    assert first.path != same.path
    assert environment(first).root == environment(same).root != environment(other).root


def test_ansible_looks_into_the_tree_alone(folder: Path):
    taken = tree("v9.1.0", str(folder), None, lambda said: None)
    ansible = environment(taken)
    ansible.python.parent.mkdir(parents=True)
    ansible.python.touch()
    (ansible.root / "complete").touch()
    ready = installed(taken, lambda said: None)
    assert (ready.name, ready.version, ready.playbooks) == ("kubespray", "v9.1.0", taken.path)
    assert ready.bin == ansible.root / "bin"
    assert {ready.settings["roles_path"], ready.settings["library"]} == {
        str(taken.path / "roles"),
        str(taken.path / "library"),
    }
