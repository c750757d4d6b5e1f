"""The pods of the checks: one that answers, and one that asks it and others."""

from dataclasses import dataclass

from terp.kubernetes.acceptance import workloads
from terp.kubernetes.acceptance.api import Api
from terp.kubernetes.acceptance.dns import Answer

TO_START = 120.0
"""Seconds until a pod runs, its image pulled."""


@dataclass(frozen=True)
class Image:
    """An image of CoreDNS, and the nodes that have it already."""

    name: str
    having: tuple[str, ...]


@dataclass(frozen=True)
class Server:
    """A pod that answers every question, and the address of its Service."""

    name: str
    address: str
    node: str
    service: str


@dataclass(frozen=True)
class Caller:
    """A pod that asks others for what it is asked."""

    api: Api
    namespace: str
    name: str
    node: str

    def ask(self, name: str) -> Answer | None:
        """What the one that is responsible for a name says, as the pod hears it."""
        return self.api.ask(self.name, self.namespace, name)

    def hears(self, name: str) -> bool:
        """Whether the server answers to a name."""
        said = self.ask(name)
        return said is not None and said.addresses == (workloads.ANSWER,)


def run_pod(
    api: Api, namespace: str, name: str, image: Image, corefile: str, claim: str = ""
) -> tuple[str, str]:
    """Run CoreDNS with a configuration; returns its address and its node.

    Raises:
        SilentError: it does not run in time.
    """
    api.core.create_namespaced_config_map(namespace, workloads.config_map(name, corefile))
    api.start(workloads.pod(name, image.name, image.having, claim), namespace, TO_START)
    return api.place(name, namespace)
