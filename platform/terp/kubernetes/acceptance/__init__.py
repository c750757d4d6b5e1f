"""Checks of a cluster that stands: what `terp test` runs on any environment.

They are pytest's, in `checks/`, and need a kubeconfig alone; with the cluster's nodes and SSH they see more.
What an answer of the cluster means is decided by pure functions (`judgement`).
"""

from terp.kubernetes.acceptance.model import Report, Result, Target
from terp.kubernetes.acceptance.session import run

__all__ = ["Report", "Result", "Target", "run"]
