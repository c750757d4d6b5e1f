"""The data plane of the embedded cloud: bridges, routers, floating IPs, security groups, names.

Neutron's database says what is wanted; one process (`python -m terp.cloud.network <state root>`) makes the
kernel look like it. All bridges lie in one network namespace: the machine itself sees one link of the cloud.
"""

from terp.cloud.network.links import sweep
from terp.cloud.network.machine import check_external

__all__ = ["check_external", "sweep"]
