"""One thing that preflight has to say."""

from typing import Literal

from pydantic import field_serializer

from terp.environment.findings import Key, dotted
from terp.model import Model

Severity = Literal["error", "warning"]


class Finding(Model):
    """What is wrong, the environment's key that it concerns, and what would be right.

    An error stops an `up` before it changes anything; a warning does not. Without a key it concerns the cloud
    as a whole.
    """

    severity: Severity
    key: Key = ()
    message: str
    suggestion: str = ""

    @field_serializer("key")
    def _key(self, key: Key) -> str:
        return dotted(key)

    def __str__(self) -> str:
        lines = [dotted(self.key) or "cloud", f"  {self.message}"]
        return "\n".join([*lines, *([f"  {self.suggestion}"] if self.suggestion else [])])


def error(key: Key, message: str, suggestion: str = "") -> Finding:
    """Something without which the environment cannot be raised."""
    return Finding(severity="error", key=key, message=message, suggestion=suggestion)


def warning(key: Key, message: str, suggestion: str = "") -> Finding:
    """Something that works, though not for long or not well."""
    return Finding(severity="warning", key=key, message=message, suggestion=suggestion)
