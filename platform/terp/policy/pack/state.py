"""What a stack has before a run, by the engine's own record."""

import json
from collections.abc import Mapping
from typing import Any

from terp.command import Command
from terp.model import Model
from terp.policy.plan import Properties, is_raised

SECONDS = 120.0


class Recorded(Model):
    """Inputs and outputs of each resource by its URN; what is secret in them stays encrypted."""

    inputs: Mapping[str, Properties] = {}
    outputs: Mapping[str, Properties] = {}
    raised: bool = False


def recorded(stack: str) -> Recorded:
    """What the engine has recorded; the caller's environment and folder lead to its backend.

    Raises:
        TerpError: it cannot be read.
    """
    pulumi = Command(("pulumi", "--non-interactive"), timeout=SECONDS)
    exported = json.loads(pulumi.output("stack", "export", "--stack", stack))
    return record_of(exported["deployment"] or {})


def record_of(state: Mapping[str, Any]) -> Recorded:
    """Of a deployment as `pulumi stack export` prints it."""
    there = [each for each in state.get("resources") or () if not each.get("delete")]
    return Recorded(
        inputs={each["urn"]: each.get("inputs") or {} for each in there},
        outputs={each["urn"]: each.get("outputs") or {} for each in there},
        raised=is_raised(state),
    )
