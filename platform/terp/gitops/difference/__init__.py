"""What would change: the platform of a work tree against that of a revision, or of a cluster."""

from terp.gitops.difference.compare import Difference, Side, difference
from terp.gitops.difference.revision import tree_of

__all__ = ["Difference", "Side", "difference", "tree_of"]
