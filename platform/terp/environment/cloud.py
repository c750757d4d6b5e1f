"""Which OpenStack an environment lives on."""

from pydantic import Field

from terp.environment.fields import DomainName, Reference
from terp.model import Model


class Dns(Model):
    """Names in Designate for the API endpoint and the bastion."""

    zone: DomainName = Field(
        title="DNS zone",
        description="Designate zone that the names are made in; they are <what>.<environment>.<zone>.",
        examples=["ml.example.org"],
    )
    create: bool = Field(
        False,
        title="Create the zone",
        description="Whether the zone is made with the environment, or is there already.",
        examples=[True],
    )


class Cloud(Model):
    """Which OpenStack, with which credential."""

    name: Reference = Field(
        title="Cloud",
        description="Entry of clouds.yaml that has the address and the (application) credential.",
        examples=["embedded"],
    )
    region: Reference | None = Field(
        None, title="Region", description="Region; that of clouds.yaml when absent.", examples=["RegionOne"]
    )
    external_network: Reference = Field(
        "public",
        title="External network",
        description="Network of the router's gateway and the pool of floating IPs.",
        examples=["public"],
    )
    dns: Dns | None = Field(None, title="DNS", description="Names in Designate; none when absent.")
