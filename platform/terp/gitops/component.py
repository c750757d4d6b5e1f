"""What one component of the platform is: the form of `component.yaml` in its folder.

Where a field says "fact", its source is the upstream project at the version in `charts/versions.yaml`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from terp.environment.fields import Cpu, LabelKey, LabelValue, Name, Port, Quantity
from terp.model import Model

Layer = Literal["system", "network", "data", "identity", "observability", "machine-learning", "store"]
Profile = Literal["small", "ha"]
Kind = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*$")]
Group = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]*$")]
"""An API group; empty for the core of Kubernetes."""
Text = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$")]
Path = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")]
Object = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]+(/[a-z0-9-]+)?/[a-z0-9.-]+$")]
"""`Deployment/istiod`, or with another namespace `DaemonSet/kube-system/istio-cni-node`."""
ClusterKind = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]+(\.[a-z0-9.-]+)?$")]
SecretReference = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+/[a-z0-9.-]+/[A-Za-z0-9._-]+$")]
CrdVersion = Annotated[str, StringConstraints(pattern=r"^v\d+((alpha|beta)\d+)?$")]
Image = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?(/[a-z0-9._-]+)+$")]


class Chart(Model):
    """A Helm chart of others."""

    kind: Literal["chart"] = Field(title="Kind", description="A Helm chart of others.", examples=["chart"])
    upstream: Name = Field(
        title="Upstream",
        description="Its repository and version: a name in versions.yaml.",
        examples=["istio"],
    )
    chart: Name = Field(title="Chart", description="Its name in the repository.", examples=["istiod"])


class Target(Model):
    """Which rendered objects a patch changes."""

    kind: Kind = Field(title="Kind", description="Their kind.", examples=["Secret"])
    name: Text | None = Field(None, title="Name", description="Of one alone.", examples=["dex-passwords"])


class Patch(Model):
    """A change of what upstream's manifests say, as kustomize takes it."""

    why: Text = Field(
        title="Why", description="What would go wrong without it.", examples=["Its password is public."]
    )
    target: Target = Field(title="Target", description="What it changes.")
    patch: str = Field(
        title="Patch",
        description="Strategic merge or JSON 6902, in YAML; {replicas} and the like are filled in.",
        examples=["$patch: delete\nkind: Secret\n"],
    )


class Manifests(Model):
    """Plain manifests or a kustomization of others, taken from their git repository."""

    kind: Literal["manifests"] = Field(
        title="Kind", description="Manifests or a kustomization of others.", examples=["manifests"]
    )
    upstream: Name = Field(
        title="Upstream",
        description="Its git repository and version: a name in versions.yaml.",
        examples=["kubeflow"],
    )
    path: Path = Field(
        title="Path", description="Folder in the repository.", examples=["common/kubeflow-roles/base"]
    )
    beside: tuple[Path, ...] = Field(
        (),
        title="Beside",
        description="More folders, each rendered for itself, or files: parts of a whole that upstream mixes.",
        examples=[["manifests/base/crds/minimal"]],
    )
    patches: tuple[Patch, ...] = Field(
        (), title="Patches", description="What is otherwise than upstream has it."
    )


class Own(Model):
    """A chart of ours, in the folder of the component."""

    kind: Literal["own"] = Field(title="Kind", description="A chart of ours.", examples=["own"])
    upstream: Name | None = Field(
        None,
        title="Upstream",
        description="The image that it runs, told as {image}: a name in versions.yaml.",
        examples=["seaweedfs"],
    )


Source = Annotated[Chart | Manifests | Own, Field(discriminator="kind")]


class Crd(Model):
    """A CustomResourceDefinition that a component brings."""

    name: Text = Field(title="Name", description="Fact.", examples=["certificates.cert-manager.io"])
    kind: Kind = Field(title="Kind", description="Fact.", examples=["Certificate"])
    versions: tuple[CrdVersion, ...] = Field(
        title="Versions", description="Fact: those that are served.", min_length=1, examples=[["v1"]]
    )
    scope: Literal["Namespaced", "Cluster"] = Field(
        "Namespaced", title="Scope", description="Fact.", examples=["Cluster"]
    )

    @property
    def group(self) -> str:
        """`cert-manager.io` of `certificates.cert-manager.io`."""
        return self.name.partition(".")[2]


class Ignore(Model):
    """Fields that others than Argo CD write, so that they are no difference."""

    why: Text = Field(title="Why", description="Who writes them.", examples=["istiod sets it."])
    group: Group = Field(
        title="Group", description="API group of the object.", examples=["admissionregistration.k8s.io"]
    )
    kind: Kind = Field(title="Kind", description="Its kind.", examples=["ValidatingWebhookConfiguration"])
    name: Text | None = Field(
        None, title="Name", description="Of one object alone.", examples=["istiod-default-validator"]
    )
    jq: tuple[Text, ...] = Field(
        title="jq",
        description="Paths of the fields, in jq.",
        min_length=1,
        examples=[[".webhooks[]?.failurePolicy"]],
    )


class SecretKey(Model):
    """One value in a Secret."""

    name: Text = Field(title="Name", description="The key.", examples=["HARBOR_ADMIN_PASSWORD"])
    origin: Literal["generated", "given", "copied"] = Field(
        "generated",
        title="Origin",
        description="Made at random once; given by a person; or a copy of another component's.",
        examples=["given"],
    )
    copy_of: SecretReference | None = Field(
        None,
        title="Copy of",
        description="Component, Secret and key that it is a copy of.",
        examples=["valkey/valkey/REDIS_PASSWORD"],
    )
    description: Text | None = Field(
        None,
        title="Description",
        description="What a person puts there, and where it comes from.",
        examples=["An access key of the object storage outside."],
    )

    @model_validator(mode="after")
    def _says_what_it_is_a_copy_of(self) -> Self:
        if (self.origin == "copied") != (self.copy_of is not None):
            raise ValueError("copy_of belongs to the origin copied, and to no other")
        return self


class Secret(Model):
    """A Secret that a component reads: kept in Vault, brought to the cluster by External Secrets."""

    name: Text = Field(title="Name", description="Of the Secret.", examples=["harbor-admin"])
    description: Text = Field(
        title="Description", description="What it is for.", examples=["The administrator's password."]
    )
    keys: tuple[SecretKey, ...] = Field(title="Keys", description="What must be in it.", min_length=1)


class Flow(Model):
    """Connections that a component begins; both ends' network policies follow from it."""

    to: Name = Field(
        title="To",
        description="A component, a capability, `kubernetes` (its API and nodes), `tenants` (people's "
        "namespaces), or `outside` of the cluster.",
        examples=["postgres"],
    )
    ports: tuple[Port, ...] = Field(
        title="Ports", description="TCP, of the pods there.", min_length=1, examples=[[5432]]
    )
    why: Text | None = Field(
        None, title="Why", description="Where it is not plain.", examples=["Feeds of vulnerabilities."]
    )


class Pods(Model):
    """Some of a component's pods, where others of the same namespace are not meant."""

    labels: dict[LabelKey, LabelValue] = Field(
        title="Labels", description="Of the pods (fact).", min_length=1, examples=[{"app": "ml-pipeline"}]
    )
    ports: tuple[Port, ...] = Field(title="Ports", description="TCP.", min_length=1, examples=[[8888]])


class Budget(Model):
    """Pods of which one at a time may be missing where nodes are drained, where there are several."""

    name: Name = Field(title="Name", description="Of what makes them.", examples=["ml-pipeline"])
    labels: dict[LabelKey, LabelValue] = Field(
        title="Labels", description="Of the pods (fact).", min_length=1, examples=[{"app": "ml-pipeline"}]
    )


class Route(Model):
    """A name below the platform's domain, by which the gateway leads to a service of the component."""

    host: Name = Field(title="Host", description="The name, without the domain.", examples=["harbor"])
    service: Name = Field(title="Service", description="In its namespace (fact).", examples=["harbor"])
    port: Port = Field(title="Port", description="Of the service (fact).", examples=[80])


class Client(Model):
    """A client of the identity provider, which the realm then has."""

    name: Name = Field(title="Name", description="Its client id.", examples=["harbor"])
    secret: Text | None = Field(
        None,
        title="Secret",
        description="`<secret>/<key>` of the component that has the client's secret; none of a public one.",
        examples=["harbor-oidc/client-secret"],
    )
    redirects: tuple[Text, ...] = Field(
        title="Redirects",
        description="Addresses that people may be sent back to; {domain} is filled in.",
        min_length=1,
        examples=[["https://harbor.{domain}/c/oidc/callback"]],
    )


class Bucket(Model):
    """A bucket, and the Secret of the component from which its one user's keys are taken."""

    name: Name = Field(title="Name", description="Of the bucket.", examples=["harbor"])
    secret: Text = Field(title="Secret", description="Of the component.", examples=["harbor-s3"])
    access_key: Text = Field(title="Access key", description="Key in it.", examples=["AWS_ACCESS_KEY_ID"])
    secret_key: Text = Field(title="Secret key", description="Key in it.", examples=["AWS_SECRET_ACCESS_KEY"])


class Database(Model):
    """A PostgreSQL cluster in the component's namespace; its login is in the Secret `<name>-app`."""

    name: Name = Field(title="Name", description="Of the cluster.", examples=["harbor-database"])
    database: Text = Field(title="Database", description="In it, and its owner.", examples=["registry"])
    size: Quantity = Field(title="Size", description="Of each volume.", examples=["10Gi"])


class Certificate(Model):
    """A certificate of a service, signed by itself, for what the API server alone calls.

    Webhooks are told of it by the annotation `cert-manager.io/inject-ca-from: <namespace>/<secret>`.
    """

    secret: Text = Field(
        title="Secret", description="Where it is kept (fact).", examples=["kubeflow-trainer-webhook-cert"]
    )
    service: Name = Field(title="Service", description="In its namespace (fact).", examples=["webhook"])


class Footprint(Model):
    """What the pods of a component request together."""

    cpu: Cpu = Field(title="CPU", description="Processors.", examples=["500m"])
    memory: Quantity = Field(title="Memory", description="Bytes.", examples=["512Mi"])


class Claim(Model):
    """Volumes that a component asks for."""

    description: Text = Field(title="Description", description="What is on them.", examples=["Chunks."])
    size: Quantity = Field(
        title="Size", description="Of each, in the chart's defaults (fact).", examples=["10Gi"]
    )


class Component(Model):
    """One component of the platform: where it comes from, what it needs, what it brings."""

    description: Text = Field(
        title="Description", description="What it is, in a line.", examples=["Certificates."]
    )
    source: Source = Field(title="Source", description="Where it comes from.", examples=[{"kind": "own"}])
    licence: Text = Field(
        title="Licence", description="SPDX identifier of what runs (fact).", examples=["Apache-2.0"]
    )
    status: Literal["active", "best-effort", "archived", "own"] = Field(
        "active",
        title="Status",
        description="Whether upstream maintains it; best-effort: without promises; own: ours.",
        examples=["archived"],
    )
    warning: Text | None = Field(
        None,
        title="Warning",
        description="What a user must know before relying on it.",
        examples=["No fixes since 2025."],
    )
    layer: Layer = Field(
        title="Layer", description="AppProject whose rights it has.", examples=["observability"]
    )
    namespace: Name = Field(title="Namespace", description="Where it lives.", examples=["cert-manager"])
    namespaces: tuple[Name, ...] = Field(
        (), title="Other namespaces", description="Where it makes objects, too.", examples=[["kube-system"]]
    )
    pod_security: Literal["privileged", "baseline", "restricted"] | None = Field(
        None,
        title="Pod security",
        description="Standard that its namespace enforces; the cluster's own when absent.",
        examples=["privileged"],
    )
    needs: tuple[Name, ...] = Field(
        (),
        title="Needs",
        description="Components and capabilities that must be healthy before.",
        examples=[["cert-manager", "s3"]],
    )
    uses: tuple[Name, ...] = Field(
        (),
        title="Uses",
        description="Components that come before it where they are there, and that it does without.",
        examples=[["alloy"]],
    )
    provides: dict[Name, str] = Field(
        {},
        title="Provides",
        description="By capability, what those that need it are told: an address or a name.",
        examples=[{"s3": "https://minio.minio.svc"}],
    )
    profiles: tuple[Profile, ...] = Field(
        (),
        title="Profiles",
        description="Where it is there unasked; else when others need it, or the environment says so.",
        examples=[["small", "ha"]],
    )
    values: dict[Text, str] = Field(
        {},
        title="Values",
        description="By key of the chart, what the environment decides; {domain} and the like are filled in.",
        examples=[{"externalURL": "https://harbor.{domain}"}],
    )
    crds: tuple[Crd, ...] = Field((), title="CRDs", description="Kinds that it brings.")
    makes: tuple[Object, ...] = Field(
        (),
        title="Makes",
        description="What its controllers make in every namespace (fact).",
        examples=[["ConfigMap/istio-ca-root-cert"]],
    )
    cluster_kinds: tuple[ClusterKind, ...] = Field(
        (),
        title="Cluster-wide kinds",
        description="Kinds outside of namespaces that it makes, beside roles, CRDs and webhooks.",
        examples=[["ClusterIssuer.cert-manager.io"]],
    )
    webhooks: tuple[Literal["mutating", "validating"], ...] = Field(
        (),
        title="Webhooks",
        description="Admission webhooks that it makes; others write their caBundle.",
        examples=[["validating"]],
    )
    ignore: tuple[Ignore, ...] = Field(
        (), title="Ignored differences", description="What others than Argo CD write."
    )
    secrets: tuple[Secret, ...] = Field((), title="Secrets", description="What it must find.")
    flows: tuple[Flow, ...] = Field((), title="Flows", description="Whom it connects to; all else is denied.")
    metrics: tuple[Port, ...] = Field(
        (), title="Metrics", description="Ports of its pods that Prometheus reads.", examples=[[9090]]
    )
    webhook_ports: tuple[Port, ...] = Field(
        (),
        title="Webhook ports",
        description="Ports of its pods that the API server calls.",
        examples=[[9443]],
    )
    tenant_ports: tuple[Port, ...] = Field(
        (),
        title="Tenant ports",
        description="Ports of its pods that people's own pods reach.",
        examples=[[8888]],
    )
    tenant_pods: tuple[Pods, ...] = Field(
        (),
        title="Tenant pods",
        description="The same of some pods alone, where those of others in the namespace are not meant.",
        examples=[[{"labels": {"app": "ml-pipeline"}, "ports": [8888]}]],
    )
    public_ports: tuple[Port, ...] = Field(
        (),
        title="Public ports",
        description="Ports of its pods that anyone reaches, also from outside: of a way in.",
        examples=[[80, 443]],
    )
    budgets: tuple[Budget, ...] = Field(
        (),
        title="Budgets",
        description="PodDisruptionBudgets that upstream does not bring.",
    )
    routes: tuple[Route, ...] = Field((), title="Routes", description="Names by which people reach it.")
    clients: tuple[Client, ...] = Field(
        (), title="Clients", description="What it is in the identity provider."
    )
    buckets: tuple[Bucket, ...] = Field((), title="Buckets", description="What it keeps in S3.")
    databases: tuple[Database, ...] = Field((), title="Databases", description="What it keeps in PostgreSQL.")
    certificates: tuple[Certificate, ...] = Field(
        (), title="Certificates", description="Of its webhooks, where upstream would make them by itself."
    )
    footprint: Footprint | None = Field(
        None,
        title="Footprint",
        description="What its pods request in the profile small (fact), where it is known.",
    )
    storage: tuple[Claim, ...] = Field((), title="Storage", description="Volumes that it asks for.")
    images: tuple[Image, ...] = Field(
        (),
        title="Images",
        description="Repositories of its images (fact, from the defaults); tags come with the version.",
        examples=[["quay.io/jetstack/cert-manager-controller"]],
    )
    health: tuple[Object, ...] = Field(
        (),
        title="Health",
        description="Objects that must be healthy: kind and name, with a namespace if it is another.",
        examples=[["Deployment/istiod"]],
    )
    seen: Literal["rendered", "run"] | None = Field(
        None,
        title="Seen",
        description="How far it was seen at this version: rendered from the real chart, or run in a cluster.",
        examples=["rendered"],
    )
    availability: Text | None = Field(
        None,
        title="Availability",
        description="In the profile ha: how it outlives a node, or why it does not.",
        examples=["Three replicas in different zones, one may be missing."],
    )
    backup: Text | None = Field(
        None,
        title="Backup",
        description="What is kept, where, and how it comes back.",
        examples=["Database to S3 every hour, images lie in S3 already."],
    )
    upgrade: Text | None = Field(
        None,
        title="Upgrade",
        description="What to know before its version is changed.",
        examples=["One minor version at a time."],
    )
    removal: Text | None = Field(
        None,
        title="Removal",
        description="What stays behind when it is switched off.",
        examples=["Its bucket stays."],
    )
