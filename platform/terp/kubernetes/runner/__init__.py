"""Playbooks on the nodes of a cluster, through ansible-runner; knows nothing of Pulumi.

`Runner(folder, installation, access).run(run, variables, secrets, listen, cancelled)` returns a `RunRecord`.
`History(folder)` has the records of the earlier runs and estimates the next one.
"""

from terp.kubernetes.runner.access import Access
from terp.kubernetes.runner.history import History
from terp.kubernetes.runner.installation import Installation
from terp.kubernetes.runner.moment import Moment
from terp.kubernetes.runner.record import Failure, HostSummary, RunRecord, Timing
from terp.kubernetes.runner.runner import Runner

__all__ = [
    "Access",
    "Failure",
    "History",
    "HostSummary",
    "Installation",
    "Moment",
    "RunRecord",
    "Runner",
    "Timing",
]
