"""Proves from rendered manifests that what objects refer to is there before them, or says what mends it."""

from terp.gitops.references.check import Missing, missing

__all__ = ["Missing", "missing"]
