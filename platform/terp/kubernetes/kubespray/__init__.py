"""Releases of Kubespray as installations: trees from where the environment says, each with its own Ansible.

`installation(version, source, commit, say)` gives one to the runner; `tuned` makes it faster for one run.
"""

from terp.kubernetes.kubespray.installation import installation
from terp.kubernetes.kubespray.source import Tree, trees
from terp.kubernetes.kubespray.tuning import tuned

__all__ = ["Tree", "installation", "trees", "tuned"]
