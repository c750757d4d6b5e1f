"""Real Linux hosts on one machine: what stands behind the servers of the embedded cloud.

A host is a systemd-nspawn machine: a root disk of its own over the read-only base tree, a network namespace,
control groups with the flavor's limits, and real cloud-init. Nothing here knows OpenStack.
"""

from terp.cloud.hosts.fleet import Reconciled, hosts, reconcile, stop_all, sweep
from terp.cloud.hosts.host import Host
from terp.cloud.hosts.record import HostSpec, Nic

__all__ = ["Host", "HostSpec", "Nic", "Reconciled", "hosts", "reconcile", "stop_all", "sweep"]
