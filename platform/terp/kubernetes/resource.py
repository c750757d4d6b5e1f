"""The cluster as a resource of our provider; what happens to it is decided in `terp.kubernetes.life`.

Modules that take long to import are imported when they are needed.
"""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from terp.kubernetes.foresight import NODES, foreseen
from terp.kubernetes.unfinished import forget, is_unfinished
from terp.provider.resource import Sayings, UnfinishedError
from terp.provider.values import UNKNOWN, Properties

if TYPE_CHECKING:
    from terp.kubernetes.life import Life, Standing, Wanted

CLUSTER = "terp:kubernetes:Cluster"


class ClusterResource:
    """Kubernetes on hosts; `life` makes the life of clusters when it is first needed."""

    secrets = frozenset({"private_key", "secrets", "kubeconfig", "keys"})
    computed = ("state", "attempts", "kubeconfig", "ca_certificate", "keys", "fingerprints", "runs")

    def __init__(self, life: "Callable[[], Life]") -> None:
        self._life = life

    def arranged(self, olds: Properties, news: Properties) -> Properties:
        """Nodes keep the order in which they were recorded."""
        return {**news, NODES: in_recorded_order(olds.get(NODES), news.get(NODES))}

    def problems(self, inputs: Properties) -> list[tuple[Sequence[str], str]]:
        """What is wrong with inputs."""
        from pydantic import ValidationError

        try:
            _wanted(inputs)
        except ValidationError as error:  # its own text would repeat secrets
            found = error.errors(include_input=False, include_url=False)
            return [([str(part) for part in each["loc"]], each["msg"]) for each in found]
        return []

    def is_unfinished(self, name: str, outputs: Properties) -> bool:
        """Whether a change was broken off on this machine."""
        return is_unfinished(name)

    def preview(self, inputs: Properties, outputs: Properties, say: Sayings) -> bool:
        """Say which playbooks would run."""
        assumed, coming, gaps = foreseen(inputs, outputs)
        runs = self._life().preview(_wanted(assumed), _standing(outputs), say, coming)
        if gaps and outputs:
            say.say(f"{', '.join(gaps)}: not known yet; what changes there may run more")
        return bool(runs or coming or (gaps and outputs))

    def lead(
        self, inputs: Properties, outputs: Properties, say: Sayings, stop: threading.Event
    ) -> Properties:
        """Run the playbooks that lead it to its inputs."""
        from terp.kubernetes import life

        try:
            return _computed(self._life().lead(_wanted(inputs), _standing(outputs), say, stop))
        except life.UnfinishedError as error:
            raise UnfinishedError(_computed(error.standing), error.message, error.hint) from error

    def read(self, inputs: Properties, outputs: Properties, say: Sayings) -> Properties | None:
        """Look at its hosts and its API."""
        standing = self._life().read(_wanted(inputs), _standing(outputs), say)
        return None if standing is None else _computed(standing)

    def delete(self, inputs: Properties, say: Sayings, stop: threading.Event) -> None:
        """Forget it; its servers go anyway. Only `reset_on_delete` makes it leave its hosts."""
        if inputs.get("reset_on_delete"):
            self._life().reset(_wanted(inputs), say, stop)
        forget(str(inputs["name"]))


def in_recorded_order(old: JsonValue, new: JsonValue) -> JsonValue:
    """The new nodes: first those that were there before, in the order of then, and new ones after them.

    The first of the control plane and of etcd do what is done once: their places must not move.
    """
    if not isinstance(old, list) or not isinstance(new, list):
        return new
    if not all(isinstance(node, dict) and "name" in node for node in (*old, *new)):
        return new
    places = {node["name"]: place for place, node in enumerate(old)}  # type: ignore[call-overload, index]
    return sorted(new, key=lambda node: places.get(node["name"], len(places)))  # type: ignore[call-overload, index]


def _wanted(inputs: Properties) -> "Wanted":
    from terp.kubernetes.life import Wanted

    return Wanted.model_validate(inputs)


def _standing(outputs: Properties) -> "Standing | None":
    """What an earlier run recorded of the cluster; None when it recorded nothing."""
    from terp.kubernetes.life import Standing

    computed = {
        name: outputs[name] for name in ClusterResource.computed if outputs.get(name, UNKNOWN) != UNKNOWN
    }
    computed.pop("fingerprints", None)  # follows from the keys
    return Standing.model_validate(computed) if computed else None


def _computed(standing: "Standing") -> Properties:
    found: Properties = standing.model_dump(mode="json", exclude_none=True)
    return {**found, "fingerprints": dict(standing.fingerprints)}
