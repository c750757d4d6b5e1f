"""The platform as a resource of our provider; what happens to it is done in `terp.gitops.rollout`.

Modules that take long to import are imported when they are needed.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from terp.provider.resource import Sayings, UnfinishedError
from terp.provider.values import UNKNOWN, Properties, has_unknown

if TYPE_CHECKING:
    from terp.gitops.rollout import Rollout, StandingApplication, Wanted

PLATFORM = "terp:gitops:Platform"
APPLICATIONS = "applications"


class PlatformResource:
    """What Argo CD deploys; `rollout` makes what does it when it is first needed."""

    secrets = frozenset({"kubeconfig", "credential"})
    computed = (APPLICATIONS,)

    def __init__(self, rollout: "Callable[[], Rollout]") -> None:
        self._rollout = rollout

    def arranged(self, olds: Properties, news: Properties) -> Properties:
        """There is no order in it."""
        return news

    def problems(self, inputs: Properties) -> list[tuple[Sequence[str], str]]:
        """Nothing: what can be wrong is found when the environment is read."""
        return []

    def is_unfinished(self, name: str, outputs: Properties) -> bool:
        """Whether an Application was not well when the last run ended."""
        listed = outputs.get(APPLICATIONS)
        states = (
            [each.get("health") for each in listed if isinstance(each, dict)]
            if isinstance(listed, list)
            else []
        )
        return set(states) != {"Healthy"}

    def preview(self, inputs: Properties, outputs: Properties, say: Sayings) -> bool:
        """Say which Applications would come, change and go."""
        old, new = applications_of(outputs), applications_of(inputs)
        for line in changes(old, new):
            say.say(line)
        moves = inputs.get("git") != outputs.get("git")
        return old != new or moves or has_unknown(inputs["kubeconfig"])

    def lead(
        self, inputs: Properties, outputs: Properties, say: Sayings, stop: threading.Event
    ) -> Properties:
        """Roll it out."""
        from terp.gitops.rollout import HeldError

        try:
            return _computed(self._rollout().lead(_wanted(inputs), say, stop))
        except HeldError as error:
            raise UnfinishedError(_computed(error.standing), error.message, error.hint) from error

    def read(self, inputs: Properties, outputs: Properties, say: Sayings) -> Properties | None:
        """Look at its Applications."""
        from terp.gitops.rollout import StandingApplication

        recorded = outputs.get(APPLICATIONS, UNKNOWN)
        listed = recorded if isinstance(recorded, list) else []
        before = tuple(StandingApplication.model_validate(each) for each in listed)
        found = self._rollout().read(_wanted(inputs), before)
        return None if found is None else _computed(found)

    def delete(self, inputs: Properties, say: Sayings, stop: threading.Event) -> None:
        """Nothing: it goes with its cluster."""


def changes(old: Properties, new: Properties) -> Iterator[str]:
    """`harbor: 1.19.1 -> 1.19.2`, `vault comes (wave 1)`, `mlflow goes`."""
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield f"{name} comes, {_version(new[name])} (wave {_wave(new[name])})"
        elif name not in new:
            yield f"{name} goes, with all that it has made"
        elif _version(old[name]) != _version(new[name]):
            yield f"{name}: {_version(old[name])} -> {_version(new[name])}"
        elif old[name] != new[name]:
            yield f"{name}: other values, or another place in the order"


def applications_of(properties: Properties) -> Properties:
    """By name, as the root chart is told of them."""
    values = properties.get("values")
    found = values.get(APPLICATIONS) if isinstance(values, dict) else None
    return found if isinstance(found, dict) else {}


def _version(application: JsonValue) -> str:
    spec = cast("dict[str, dict[str, list[dict[str, str]]]]", application)["spec"]
    return spec["sources"][0]["targetRevision"][:12]


def _wave(application: JsonValue) -> int:
    return int(cast("dict[str, int]", application)["wave"])


def _wanted(inputs: Properties) -> "Wanted":
    from terp.gitops.rollout import Wanted

    return Wanted.model_validate(inputs)


def _computed(standing: "tuple[StandingApplication, ...]") -> Properties:
    return {APPLICATIONS: [each.model_dump(mode="json") for each in standing]}
