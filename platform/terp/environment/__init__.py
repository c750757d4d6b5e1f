"""One environment, read once from its stack file, validated and frozen: models, rules, schema."""

from terp.environment.environment import Environment
from terp.environment.findings import InvalidEnvironmentError
from terp.environment.stack_file import check, read, stack_file

__all__ = ["Environment", "InvalidEnvironmentError", "check", "read", "stack_file"]
