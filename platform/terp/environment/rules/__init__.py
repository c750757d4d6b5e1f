"""What must hold between the keys of an environment: pure functions from the environment to findings.

What a file cannot know is no rule: whether a flavor exists, how many computes anti-affinity can use, what the
quota leaves. That is asked of the cloud (`terp.preflight`), as far as the credential may see it.
"""

from collections.abc import Callable, Iterator

from terp.environment.environment import Environment
from terp.environment.findings import Finding
from terp.environment.rules.access import ACCESS
from terp.environment.rules.addresses import ADDRESSES
from terp.environment.rules.groups import GROUPS
from terp.environment.rules.kubernetes import KUBERNETES
from terp.environment.rules.names import NAMES, name_of_the_stack
from terp.environment.rules.networks import NETWORKS
from terp.environment.rules.platform import PLATFORM
from terp.environment.rules.projects import PROJECTS
from terp.environment.rules.ranges import RANGES
from terp.environment.rules.trust import TRUST
from terp.environment.rules.variables import VARIABLES
from terp.environment.rules.volumes import VOLUMES

RULES: tuple[Callable[[Environment], Iterator[Finding]], ...] = (
    *(*RANGES, *NETWORKS, *ADDRESSES),
    *(*NAMES, *GROUPS, *VOLUMES),
    *(*ACCESS, *TRUST),
    *(*KUBERNETES, *VARIABLES),
    *(*PLATFORM, *PROJECTS),
)


def broken_rules(environment: Environment, stack: str | None) -> Iterator[Finding]:
    """Every finding of every rule; of the stack's name too, when it is given."""
    if stack is not None:
        yield from name_of_the_stack(stack, environment)
    for rule in RULES:
        yield from rule(environment)
