"""Stand-ins for what others publish: small charts and manifests, computed from what components declare.

They take the place of upstream's files where these cannot be had; all else is real.
"""

from terp.gitops.standins.upstreams import is_stand_in, tree, write

__all__ = ["is_stand_in", "tree", "write"]
