"""What runs on Kubernetes: the platform that Argo CD deploys."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from terp.environment.fields import DomainName, Http, Https, Name, Oci, Reference
from terp.environment.projects import Project, ProjectName
from terp.model import Model

WORK_TREE = "work-tree"
"""In the place of a repository's address: this tree as it is, also what is not committed."""


class GitRepository(Model):
    """Where Argo CD reads charts and values."""

    repository: Reference = Field(
        title="Repository",
        description="Address of this tree, or of your copy of it; `work-tree` on the embedded cloud.",
        examples=["https://git.example.org/terp.git"],
    )
    revision: Reference = Field(
        "main",
        title="Revision",
        description="Branch, tag or commit that is deployed.",
        examples=["v0.1.0"],
    )
    credential: Reference | None = Field(
        None,
        title="Credential",
        description="File with an SSH private key, or with a password or token, of someone who may read.",
        examples=["~/.config/terp/git-token"],
    )
    username: Reference = Field(
        "terp", title="User", description="Whose password it is.", examples=["deploy"]
    )


class PlatformMirror(Model):
    """Where charts and manifests of others are read instead; images go by `kubernetes.registries`."""

    charts: Oci = Field(
        title="Charts",
        description="Registry that has each chart by its name.",
        examples=["oci://registry.example.org/charts"],
    )
    git: Https = Field(
        title="Git",
        description="Address below which each git repository lies by its owner and name.",
        examples=["https://git.example.org/mirror"],
    )


class Providers(Model):
    """Who provides what components need; an address is something outside that is there already."""

    s3: Literal["minio", "seaweedfs", "rook-ceph-cluster"] | Https = Field(
        "minio",
        title="S3",
        description="Object storage.",
        examples=["seaweedfs", "https://s3.example.org"],
    )
    secrets: Literal["vault", "openbao"] | Https = Field(
        "vault",
        title="Secrets",
        description="Where secrets are kept, and the authority that signs certificates.",
        examples=["openbao", "https://vault.example.org"],
    )
    postgres: Literal["cloudnative-pg"] = Field(
        "cloudnative-pg", title="PostgreSQL", description="Databases.", examples=["cloudnative-pg"]
    )
    mysql: Literal["kubeflow-mysql"] | DomainName = Field(
        "kubeflow-mysql",
        title="MySQL",
        description="Database of Kubeflow Pipelines; of one outside its name, at port 3306.",
        examples=["mysql.example.org"],
    )
    redis: Literal["valkey"] = Field(
        "valkey", title="Redis", description="Caches and queues.", examples=["valkey"]
    )
    oidc: Literal["keycloak"] | Https = Field(
        "keycloak",
        title="OIDC",
        description="People's logins (OpenID Connect); of something outside its issuer.",
        examples=["https://login.example.org/realms/ml"],
    )
    issuer: Literal["vault-issuer", "self-signed-issuer"] = Field(
        "vault-issuer",
        title="Issuer",
        description="Who signs the platform's certificates.",
        examples=["self-signed-issuer"],
    )

    @property
    def chosen(self) -> Mapping[str, str]:
        """By capability a component, or the address of something outside."""
        return self.model_dump(mode="json")


class Platform(Model):
    """What Argo CD deploys on the cluster."""

    profile: Literal["small", "ha"] = Field(
        "small",
        title="Profile",
        description="One replica of each with modest requests, or no single point of failure.",
        examples=["ha"],
    )
    domain: DomainName = Field(
        title="Domain",
        description="Below it lie the platform's names, such as harbor.<domain>.",
        examples=["ml.example.org"],
    )
    git: GitRepository = Field(title="Git", description="Where Argo CD reads charts and values.")
    providers: Providers = Field(
        Providers(), title="Providers", description="Who provides what components need."
    )
    components: dict[Name, bool] = Field(
        {},
        title="Components",
        description="Switched on or off; of the others the profile decides, and whether one is needed.",
        examples=[{"harbor": False, "mlflow": True}],
    )
    projects: dict[ProjectName, Project] = Field(
        {},
        title="Projects",
        description="What teams, and people alone, work in, by the name of the namespace.",
    )
    proxy: Http | None = Field(
        None,
        title="Proxy",
        description="Forward proxy to the internet, which people's pods may choose (PodDefault `proxy`).",
        examples=["http://proxy.example.org:3128"],
    )
    stand_ins: bool = Field(
        False,
        title="Stand-ins",
        description="Small stand-ins take the place of what others publish; on the embedded cloud alone.",
        examples=[True],
    )
    mirror: PlatformMirror | None = Field(
        None,
        title="Mirror",
        description="Where charts and manifests of others are read; at their projects when absent.",
    )
    wave_limit: int = Field(
        900,
        title="Wave limit",
        description="Seconds that a wave of components has to become healthy before `up` says what holds it.",
        ge=60,
        le=7200,
        examples=[1800],
        json_schema_extra={"unit": "s"},
    )
