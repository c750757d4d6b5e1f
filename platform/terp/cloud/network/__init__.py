"""The data plane of the embedded cloud: bridges, routers, floating IPs, security groups, names.

Neutron's database says what is wanted; one process (`python -m terp.cloud.network <state root>`) makes the
kernel look like it. All bridges lie in one network namespace: the machine itself sees one link of the cloud.
"""

from terp.cloud.network import dns, links
from terp.cloud.network.machine import check_external
from terp.cloud.place import Place


def sweep(place: Place) -> None:
    """Remove every network object and process of the data plane, also after kill -9, without a record.

    Raises:
        LinkError: something is still there.
    """
    dns.sweep(place)
    links.sweep(place)


__all__ = ["check_external", "sweep"]
