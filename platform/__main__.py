"""The Pulumi program: raise one environment. `pulumi up -s <environment>`.

It will read from top to bottom as the architecture: environment, cloud, cluster, platform.
"""

from terp.errors import TerpError

raise TerpError(
    "this version raises no environment yet: the environment layer comes next",
    hint="what runs today is the embedded cloud: make up",
)
