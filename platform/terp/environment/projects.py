"""Projects: what teams, and people alone, work in on the platform."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from terp.environment.fields import POOL_NAME, SHARE, Cpu, Email, Quantity
from terp.model import Model

ProjectName = Annotated[str, StringConstraints(pattern=POOL_NAME, max_length=40)]
"""Of its namespace; its bucket and its robot are called after it."""
Role = Literal["view", "edit", "admin"]
"""Kubeflow's own: look; work with notebooks, pipelines and models; and give roles, too."""
GpuShare = Annotated[str, StringConstraints(pattern=SHARE)]
Amount = Annotated[int, Field(ge=0, le=10_000)]


class Quota(Model):
    """What all pods and volumes of a project may ask for together."""

    cpu: Cpu = Field("8", title="CPU", description="Processors.", examples=["32"])
    memory: Quantity = Field(
        "32Gi", title="Memory", description="Of requests, and of limits.", examples=["256Gi"]
    )
    storage: Quantity = Field("100Gi", title="Storage", description="Of all volumes.", examples=["2Ti"])
    gpus: dict[GpuShare, Amount] = Field(
        {},
        title="GPUs",
        description="By share: `whole` ones, `shared` ones (time-slicing), or slices such as `mig-1g.10gb`; "
        "none of what is not named.",
        examples=[{"whole": 2, "mig-1g.10gb": 4}],
        json_schema_extra={"unit": "GPUs, or parts of them"},
    )


class Project(Model):
    """A namespace with its people and limits, a bucket, and images of its own if it wants any."""

    owner: Email = Field(
        title="Owner",
        description="Whose it is: an e-mail address, as the identity provider and Kubeflow know people.",
        examples=["ada@example.org"],
    )
    members: dict[Email, Role] = Field(
        {},
        title="Members",
        description="Who else works in it, and how; a project without any is the owner's alone.",
        examples=[{"grace@example.org": "edit", "alan@example.org": "view"}],
    )
    quota: Quota = Field(Quota(), title="Quota", description="What it may use at most.")
    registry: bool = Field(
        False,
        title="Registry",
        description="Whether Harbor has a project for its images, which its pods may pull.",
        examples=[True],
    )
