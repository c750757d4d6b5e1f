"""One environment, read once from its stack file, validated and frozen: models, rules, schema."""

from terp.environment.environment import Environment

__all__ = ["Environment"]
