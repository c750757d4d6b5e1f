"""The provider's process with a cluster and a platform that do nothing but stand in the state."""

import sys
import threading
from collections.abc import Sequence

from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from terp.gitops.resource import PLATFORM
from terp.kubernetes.resource import CLUSTER
from terp.provider.process import serve
from terp.provider.resource import Sayings
from terp.provider.servicer import Servicer
from terp.provider.values import Properties
from terp.provider.version import VERSION


class Idle:
    """A resource that is whatever its inputs say."""

    secrets = frozenset[str]()
    computed: tuple[str, ...] = ()

    def arranged(self, olds: Properties, news: Properties) -> Properties:
        return news

    def problems(self, inputs: Properties) -> list[tuple[Sequence[str], str]]:
        return []

    def is_unfinished(self, name: str, outputs: Properties) -> bool:
        return False

    def preview(self, inputs: Properties, outputs: Properties, say: Sayings) -> bool:
        return False

    def lead(
        self, inputs: Properties, outputs: Properties, say: Sayings, stop: threading.Event
    ) -> Properties:
        return {}

    def read(self, inputs: Properties, outputs: Properties, say: Sayings) -> Properties | None:
        return {}

    def delete(self, inputs: Properties, say: Sayings, stop: threading.Event) -> None:
        pass


serve(
    Servicer(sys.argv[-1], VERSION, {CLUSTER: Idle(), PLATFORM: Idle()}),
    add_ResourceProviderServicer_to_server,
)
