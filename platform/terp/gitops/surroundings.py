"""What is made around a component: values of `charts/surroundings`, one more source of its Application."""

from collections.abc import Iterator, Mapping

from terp.gitops.argo import ArgoModel
from terp.gitops.backups import ACCESS_KEY, SECRET_KEY, backup
from terp.gitops.component import Component, Database, Footprint
from terp.gitops.facts import Facts, Words
from terp.gitops.flows import Connection, Policy, connections, policy, policy_of_tenants
from terp.gitops.names import GATEWAY, MONITORS, PROJECTS, TRUST
from terp.gitops.selection import Selection
from terp.gitops.wiring import host, place

CHART = "surroundings"
OPEN = frozenset({"kube-system", "argocd"})
"""Namespaces without policies of ours. In kube-system runs what no component declares: DNS, the network
plugin, drivers of volumes. And a mistake in Argo CD's own flows would cut it off from the git that mends it.
"""
INSTANCE = Footprint(cpu="100m", memory="512Mi")
"""What each instance of PostgreSQL requests."""


AUTHORITIES = "platform-trust"
"""The ConfigMap of `TRUST`; its key is `ca-certificates.crt`."""


class Remote(ArgoModel):
    """A key of a secret in Vault, as an ExternalSecret names it."""

    key: str
    property: str


class BackupOf(ArgoModel):
    """Where a database is backed up: a bucket, and the Secret with the keys of its user."""

    endpoint: str
    bucket: str
    secret: str
    access_key: str
    secret_key: str
    authorities: str | None = None
    """The ConfigMap of those that are trusted; the sidecar's own without."""


class Cluster(ArgoModel):
    """A PostgreSQL cluster."""

    name: str
    database: str
    size: str
    instances: int
    requests: dict[str, str]
    monitored: bool
    backup: BackupOf | None = None


class Certificate(ArgoModel):
    """Of a service, by its names in the cluster."""

    secret: str
    names: tuple[str, ...]


class Budget(ArgoModel):
    """Pods of which one at a time may be missing."""

    name: str
    labels: dict[str, str]


class Gateway(ArgoModel):
    """Who leads names to services."""

    name: str
    namespace: str


class HttpRoute(ArgoModel):
    """A name, and the service that it leads to."""

    name: str
    host: str
    service: str
    port: int
    gateway: Gateway


class Tenants(ArgoModel):
    """People's namespaces, which are closed like those of components."""

    namespaces: tuple[str, ...]
    policy: Policy


class Surroundings(ArgoModel):
    """The values of the chart; of what a component has none, it has no key."""

    secrets: dict[str, dict[str, Remote]] | None = None
    policy: Policy | None = None
    certificates: tuple[Certificate, ...] | None = None
    budgets: tuple[Budget, ...] | None = None
    tenants: Tenants | None = None
    databases: tuple[Cluster, ...] | None = None
    routes: tuple[HttpRoute, ...] | None = None


def surroundings(selection: Selection, facts: Facts, known: Words) -> Mapping[str, Surroundings]:
    """Of each component that has any."""
    between = connections(selection, known, facts)
    found = {name: _of(name, selection, between, facts, known) for name in selection.components}
    return {name: each for name, each in found.items() if each != Surroundings()}


def _of(
    name: str, selection: Selection, between: tuple[Connection, ...], facts: Facts, known: Words
) -> Surroundings:
    component = selection.components[name]
    closed = component.namespace not in OPEN
    return Surroundings(
        secrets=_secrets(name, component) or None,
        policy=policy(name, selection, between, known, facts) if closed else None,
        tenants=_tenants(selection, known) if name == PROJECTS else None,
        certificates=tuple(_certificates(component)) or None,
        budgets=tuple(_budgets(component, facts)) or None,
        databases=tuple(_cluster(each, selection, facts, known) for each in component.databases) or None,
        routes=_routes(component, selection, facts) or None,
    )


def _tenants(selection: Selection, known: Words) -> Tenants:
    names = tuple(sorted(selection.projects))
    return Tenants(namespaces=names, policy=policy_of_tenants(selection, known))


def _secrets(name: str, component: Component) -> dict[str, dict[str, Remote]]:
    places = {
        secret.name: {key.name: place(name, secret.name, key) for key in secret.keys}
        for secret in component.secrets
    }
    return {
        secret: {key: Remote(key=found.path, property=found.key) for key, found in keys.items()}
        for secret, keys in places.items()
    }


def _certificates(component: Component) -> Iterator[Certificate]:
    for each in component.certificates:
        name = f"{each.service}.{component.namespace}.svc"
        yield Certificate(secret=each.secret, names=(name, f"{name}.cluster.local"))


def _budgets(component: Component, facts: Facts) -> Iterator[Budget]:
    """Of one pod alone it would let none go, or mean nothing."""
    if facts.replicas > 1:
        yield from (Budget(name=each.name, labels=each.labels) for each in component.budgets)


def _cluster(database: Database, selection: Selection, facts: Facts, known: Words) -> Cluster:
    name = backup(database)
    to = BackupOf(
        endpoint=str(known["s3"]),
        bucket=name,
        secret=name,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        authorities=AUTHORITIES if TRUST in selection.components else None,
    )
    return Cluster(
        name=database.name,
        database=database.database,
        size=database.size,
        instances=facts.replicas,
        requests={"cpu": INSTANCE.cpu, "memory": INSTANCE.memory},
        monitored=MONITORS in selection.components,
        backup=to if selection.backs_up else None,
    )


def _routes(component: Component, selection: Selection, facts: Facts) -> tuple[HttpRoute, ...]:
    gateway = selection.components.get(GATEWAY)
    if not gateway:
        return ()
    return tuple(
        HttpRoute(
            name=each.host,
            host=host(each.host, facts),
            service=each.service,
            port=each.port,
            gateway=Gateway(name=GATEWAY, namespace=gateway.namespace),
        )
        for each in component.routes
    )
