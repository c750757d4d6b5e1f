"""What everything that an environment makes is marked with, so that leftovers can be found."""

import re
from typing import Any

from terp.model import Model

MARK, METADATA = "terp:stack=", "terp_stack"
"""How a stack is named: in tags and descriptions, and in metadata."""
STACK = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


class Marks(Model):
    """The marks of one stack.

    The description is part of the request that creates a thing, so it is there even when the answer was lost;
    Neutron's tags, which can be searched for, are set by a second request.
    """

    stack: str
    owner: str

    @property
    def description(self) -> str:
        """The stack, as the description of a thing."""
        return f"{MARK}{self.stack}"

    def tags(self, role: str) -> list[str]:
        """Neutron's and Octavia's tags."""
        return [f"terp:owner={self.owner}", f"terp:role={role}", f"{MARK}{self.stack}"]

    def metadata(self, role: str) -> dict[str, str]:
        """Nova's and Cinder's metadata."""
        return {"terp_owner": self.owner, "terp_role": role, METADATA: self.stack}


def stack_of(found: Any) -> str | None:  # noqa: ANN401
    """The stack by which a thing of OpenStack's SDK is marked: in metadata, tags, or its description."""
    metadata = getattr(found, "metadata", None) or {}
    said = [
        str(metadata.get(METADATA) or ""),
        *(
            mark.removeprefix(MARK)
            for mark in (*(getattr(found, "tags", None) or ()), getattr(found, "description", None) or "")
            if mark.startswith(MARK)
        ),
    ]
    return next((name for name in said if STACK.fullmatch(name)), None)
