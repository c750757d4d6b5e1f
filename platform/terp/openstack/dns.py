"""Names in Designate for what people call: the API's endpoint and the bastion."""

from collections.abc import Mapping

import pulumi
import pulumi_openstack as openstack
from pulumi import Input, InvokeOptions, ResourceOptions

from terp.environment.cloud import Dns
from terp.openstack.marks import Marks

TTL = 300
"""Seconds that a name may be cached: a rebuild changes addresses."""


class DnsRecords(pulumi.ComponentResource):
    """`<what>.<stack>.<zone>` for each address."""

    def __init__(
        self,
        marks: Marks,
        dns: Dns,
        addresses: Mapping[str, Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("terp:openstack:DnsRecords", "dns", {}, opts)
        name = f"{dns.zone.rstrip('.')}."
        options = ResourceOptions(parent=self)
        if dns.create:
            zone_id = openstack.dns.Zone(
                "zone",
                name=name,
                email=f"hostmaster@{name.rstrip('.')}",
                description=marks.description,
                ttl=TTL,
                opts=ResourceOptions(parent=self, protect=True),
            ).id
        else:
            zone_id = openstack.dns.get_dns_zone_output(name=name, opts=InvokeOptions(parent=self)).id
        for what, address in addresses.items():
            openstack.dns.RecordSet(
                what,
                zone_id=zone_id,
                name=f"{what}.{marks.stack}.{name}",
                type="A",
                records=[address],
                ttl=TTL,
                description=marks.description,
                opts=options,
            )
        self.register_outputs({})
