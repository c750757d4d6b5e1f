"""What everything that an environment makes is marked with, so that leftovers can be found."""

from terp.model import Model


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
        return f"terp:stack={self.stack}"

    def tags(self, role: str) -> list[str]:
        """Neutron's and Octavia's tags."""
        return [f"terp:owner={self.owner}", f"terp:role={role}", f"terp:stack={self.stack}"]

    def metadata(self, role: str) -> dict[str, str]:
        """Nova's and Cinder's metadata."""
        return {"terp_owner": self.owner, "terp_role": role, "terp_stack": self.stack}
