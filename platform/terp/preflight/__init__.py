"""Checks before anything is changed: credential, catalogue, offers, networks, names, room, quota."""

from collections.abc import Mapping
from typing import Any

from terp.environment import Environment
from terp.environment.quantities import Requests
from terp.errors import TerpError
from terp.openstack.connection import connect
from terp.preflight.catalogue import needed
from terp.preflight.credential import CLOUD
from terp.preflight.finding import Finding, error
from terp.preflight.quota import Row
from terp.preflight.reading import CALL, WHOLE, read
from terp.preflight.report import Report, judge
from terp.progress import Progress

__all__ = ["Finding", "Report", "Row", "check"]


def check(
    stack: str,
    environment: Environment,
    state: Mapping[str, Any] | None,
    progress: Progress,
    *,
    seconds: float = WHOLE,
) -> Report:
    """Hold an environment against its cloud, which is read and not changed.

    Args:
        stack: name of the Pulumi stack.
        environment: what shall be.
        state: what `pulumi stack export` prints, None when there is no stack yet.
        progress: where it is told.
        seconds: that reading may take altogether; what has not answered by then is a finding.
    """
    with progress.task("preflight", expected=3):
        try:
            connection = connect(environment.cloud, timeout=CALL, retries=0)
        except TerpError as problem:
            return Report(stack=stack, findings=(error(CLOUD, problem.message, problem.hint),))
        snapshot = read(connection, needed(environment), seconds)
        return judge(stack, environment, snapshot, state, _requests(stack, environment))


def _requests(stack: str, environment: Environment) -> Requests | None:
    """What the platform's components request; an environment without a platform reads no catalogue."""
    if not environment.platform or environment.platform.stand_ins:  # stand-ins request next to nothing
        return None
    from terp.gitops.facts import facts_of
    from terp.gitops.footprint import footprint
    from terp.gitops.reading import read_catalogue
    from terp.gitops.selection import select

    selected = select(read_catalogue(), environment.platform)
    return footprint(selected, facts_of(stack, environment.platform).replicas)
