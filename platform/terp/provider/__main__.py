"""`python -m terp.provider <address of the engine>`, as Pulumi's engine starts a provider.

The layers are imported when they are first needed: an update without changes needs none of them.
"""

import sys
from typing import TYPE_CHECKING

from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from terp.gitops.resource import PLATFORM, PlatformResource
from terp.kubernetes.resource import CLUSTER, ClusterResource
from terp.provider.process import serve
from terp.provider.resource import Resource
from terp.provider.servicer import Servicer
from terp.provider.version import VERSION

if TYPE_CHECKING:
    from terp.gitops.rollout import Rollout
    from terp.kubernetes.life import Life


def _life() -> "Life":
    from terp.kubernetes.execution import Execution
    from terp.kubernetes.life import Life

    return Life(Execution())


def _rollout() -> "Rollout":
    from terp.gitops.rollout import Rollout

    return Rollout()


if __name__ == "__main__":
    resources: dict[str, Resource] = {CLUSTER: ClusterResource(_life), PLATFORM: PlatformResource(_rollout)}
    servicer = Servicer(sys.argv[-1], VERSION, resources)
    serve(servicer, add_ResourceProviderServicer_to_server)
