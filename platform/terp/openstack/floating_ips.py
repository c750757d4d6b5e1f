"""Floating IPs: new ones, or those that the project has reserved."""

from ipaddress import IPv4Address

import pulumi_openstack as openstack
from pulumi import Input, ResourceOptions

from terp.environment.fields import FloatingIp
from terp.openstack.marks import Marks


def floating_ip(
    name: str,
    wanted: FloatingIp,
    *,
    port_id: Input[str],
    external_network: str,
    marks: Marks,
    role: str,
    opts: ResourceOptions,
) -> Input[str] | None:
    """The floating IP of a port, None where none is wanted; `opts` wait for the router that it needs."""
    if wanted == "none":
        return None
    options = ResourceOptions.merge(opts, ResourceOptions(delete_before_replace=True))
    if isinstance(wanted, IPv4Address):
        return openstack.networking.FloatingIpAssociate(
            name, floating_ip=str(wanted), port_id=port_id, opts=options
        ).floating_ip
    return openstack.networking.FloatingIp(
        name,
        pool=external_network,
        port_id=port_id,
        description=marks.description,
        tags=marks.tags(role),
        opts=options,
    ).address
