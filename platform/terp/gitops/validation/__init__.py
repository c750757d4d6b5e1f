"""Holds rendered objects against the schemas of their kinds: Kubernetes' own, and those of rendered CRDs."""

from terp.gitops.validation.check import Flaw, Unread, flaws
from terp.gitops.validation.definitions import Definitions
from terp.gitops.validation.kubernetes import Kubernetes, schemas_of

__all__ = ["Definitions", "Flaw", "Kubernetes", "Unread", "flaws", "schemas_of"]
