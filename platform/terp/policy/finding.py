"""One thing that a rule has against a plan."""

from typing import Literal, NamedTuple

from pydantic import Field

from terp.model import Model

Standing = Literal["refused", "allowed", "warning"]


class Objection(NamedTuple):
    """What a rule objects to: the name of the thing, and why."""

    subject: str
    reason: str


class Finding(Model):
    """An objection, and whether it stops an `up`."""

    rule: str = Field(description="The rule's id.")
    subject: str = Field(description="What it concerns, by its logical name.")
    override: str = Field(description="What `--allow` takes for this once.")
    reason: str = Field(description="Why.")
    standing: Standing = Field(
        description="refused: `up` stops; allowed: by --allow; warning: the environment is not protected."
    )

    def __str__(self) -> str:
        return f"{self.override}\n  {self.reason}"
