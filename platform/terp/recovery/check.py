"""What was found out about a recovery set."""

from terp.model import Model


class Check(Model):
    """One thing that must hold, and what was seen; it holds when there is no `problem`."""

    what: str
    said: str = ""
    problem: str = ""
