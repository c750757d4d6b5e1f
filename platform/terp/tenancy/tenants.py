"""What the charts are told of each project: names, people, limits, and where its secrets lie."""

import re
from collections.abc import Mapping

from pydantic import Field

from terp.environment.projects import Project, Quota, Role
from terp.model import Model

GPU = "nvidia.com"
"""Before the names of what NVIDIA's device plugin offers."""
RESOURCES = {"whole": "gpu", "shared": "gpu.shared"}
"""What shares of a GPU are called there; slices have their own names (charts/gpu-operator)."""
NONE_OF = ("services.loadbalancers", "services.nodeports")
"""Ways in past the gateway."""


class Keys(Model):
    """Where the keys of a project's bucket are in Vault, and what they are called."""

    path: str = Field(title="Path", description="In the mount.", examples=["projects/vision/s3"])
    access_key: str = Field("access-key", title="Access key", description="Key of the first.")
    secret_key: str = Field("secret-key", title="Secret key", description="Key of the second.")


class Member(Model):
    """Somebody in a project, beside its owner."""

    name: str = Field(
        title="Name",
        description="Of the objects that make one a member: those that Kubeflow's dashboard would make.",
        examples=["user-grace-example-org-clusterrole-edit"],
    )
    email: str = Field(title="E-mail", description="How people are known.", examples=["grace@example.org"])
    role: Role = Field(title="Role", description="What they may do.", examples=["edit"])


class Tenant(Model):
    """A project as the charts see it."""

    name: str = Field(title="Name", description="Of its namespace.", examples=["vision"])
    owner: str = Field(title="Owner", description="Whose it is.", examples=["ada@example.org"])
    members: tuple[Member, ...] = Field((), title="Members", description="Who else works in it.")
    hard: dict[str, str] = Field(
        title="Limits", description="Of its ResourceQuota.", examples=[{"requests.cpu": "8"}]
    )
    gpus: bool = Field(title="GPUs", description="Whether it may use any.", examples=[True])
    bucket: str = Field(title="Bucket", description="Its own.", examples=["project-vision"])
    keys: Keys = Field(title="Keys", description="Of the bucket's one user.")
    registry: str | None = Field(
        None,
        title="Registry",
        description="Path in Vault of the `password` of its robot in Harbor; none without a project there.",
        examples=["projects/vision/registry"],
    )


def tenants(projects: Mapping[str, Project]) -> tuple[Tenant, ...]:
    """All of an environment, in the order of the alphabet."""
    shares = sorted({"whole", "shared", *(share for each in projects.values() for share in each.quota.gpus)})
    return tuple(_tenant(name, each, shares) for name, each in sorted(projects.items()))


def binding(email: str, role: Role) -> str:
    """As Kubeflow's access management calls it (kfam/bindings.go), so that its dashboard knows it again."""
    return re.sub(r"[^a-z0-9]+", "-", f"user-{email}-clusterrole-{role}".lower())


def resource(share: str) -> str:
    """`nvidia.com/gpu` of a whole one."""
    return f"{GPU}/{RESOURCES.get(share, share)}"


def _tenant(name: str, project: Project, shares: list[str]) -> Tenant:
    return Tenant(
        name=name,
        owner=project.owner,
        members=tuple(
            Member(name=binding(email, role), email=email, role=role)
            for email, role in sorted(project.members.items())
        ),
        hard=_hard(project.quota, shares),
        gpus=any(project.quota.gpus.values()),
        bucket=f"project-{name}",
        keys=Keys(path=f"projects/{name}/s3"),
        registry=f"projects/{name}/registry" if project.registry else None,
    )


def _hard(quota: Quota, shares: list[str]) -> dict[str, str]:
    """Of a share that the project does not name it gets none: what no quota names has no limit."""
    return {
        "requests.cpu": quota.cpu,
        "requests.memory": quota.memory,
        "limits.memory": quota.memory,
        "requests.storage": quota.storage,
        **{f"requests.{resource(each)}": str(quota.gpus.get(each, 0)) for each in shares},
        **dict.fromkeys(NONE_OF, "0"),
    }
