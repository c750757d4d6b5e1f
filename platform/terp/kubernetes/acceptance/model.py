"""What is checked, and what came of it."""

from typing import Literal

from terp.kubernetes.model import Node
from terp.model import Model

Outcome = Literal["passed", "failed", "not applicable"]


class Target(Model):
    """A cluster, and what it should be.

    `kubeconfig` is its text. `nodes` are those that it should have, reached over SSH with `private_key` (both
    secret) through `jump`; nothing of that is known of a cluster of which there is a kubeconfig alone, and
    then `kubernetes_version` is not either. `image` is one of CoreDNS, instead of the cluster's own.
    """

    name: str
    kubeconfig: str
    nodes: tuple[Node, ...] = ()
    jump: Node | None = None
    private_key: str = ""
    kubernetes_version: str = ""
    image: str = ""


class Result(Model):
    """One check: its sentence, what came of it, why if it did not pass, and the seconds that it took."""

    check: str
    outcome: Outcome
    reason: str
    seconds: float


class Report(Model):
    """All checks of a cluster."""

    cluster: str
    results: tuple[Result, ...]
    seconds: float

    @property
    def failed(self) -> tuple[Result, ...]:
        """Those that failed."""
        return tuple(each for each in self.results if each.outcome == "failed")
