"""Whether rendered manifests are right: in what they refer to, and as objects of their kinds."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from terp.gitops.disruption import Undrained, undrained
from terp.gitops.intent import Intent
from terp.gitops.references import Missing, missing
from terp.gitops.references.things import Manifest, Thing
from terp.gitops.validation import Definitions, Flaw, Kubernetes, Unread, flaws
from terp.model import Model


class Judgement(Model):
    """All that is wrong with what an environment renders."""

    stack: str = Field(description="The environment.")
    kubernetes: str = Field(description="The version whose schemas are asked.")
    objects: int = Field(description="How many were looked at.")
    missing: tuple[Missing, ...] = Field(description="References that nothing satisfies in time.")
    flaws: tuple[Flaw, ...] = Field(description="What the API server would refuse, or drop in silence.")
    undrained: tuple[Undrained, ...] = Field(
        description="Workloads that lose all pods when nodes are drained, or hold their node."
    )
    unread: tuple[Unread, ...] = Field(
        description="Kinds that no schema is rendered of, so that nobody has looked at their objects."
    )
    failed: dict[str, str] = Field(description="By component, why it could not be rendered.")

    @property
    def well(self) -> bool:
        """Whether all was looked at that can be, and nothing is wrong."""
        return not (self.missing or self.flaws or self.undrained or self.failed)


def judgement(
    intent: Intent,
    manifests: Mapping[str, Sequence[Manifest]],
    failed: Mapping[str, str],
    kubernetes: Kubernetes,
    there: Sequence[Thing] = (),
) -> Judgement:
    """By the manifests of each component and of the root; what a failed one declares is taken for there."""
    definitions = Definitions((each for found in manifests.values() for each in found), kubernetes.metadata)
    wrong, unread = flaws(manifests, kubernetes, definitions)
    of_components = {name: found for name, found in manifests.items() if name in intent.components}
    return Judgement(
        stack=intent.stack,
        kubernetes=kubernetes.version,
        objects=sum(map(len, manifests.values())),
        missing=tuple(missing(of_components, intent.components, intent.graph, there)),
        flaws=tuple(wrong),
        undrained=tuple(undrained(of_components, intent.components)),
        unread=tuple(unread),
        failed=dict(failed),
    )
