"""What an object makes: itself, and what its controller makes of it.

Sources: cert-manager 1.20 (`Certificate.spec.secretName`), External Secrets 2.9
(`ExternalSecret.spec.target`), CloudNativePG 1.30 (Secrets of a `Cluster`), trust-manager 0.24
(targets of a `Bundle`), Kubernetes 1.36.
"""

from collections.abc import Iterator

from terp.gitops.references.things import EVERYWHERE, Manifest, Thing, at, kind_of, name_of, namespace_of

CRD = "CustomResourceDefinition"
OF_A_DATABASE = ("app", "ca", "server", "replication")
KUBERNETES = frozenset(
    {
        *(
            Thing("Namespace", "", name)
            for name in ("default", "kube-system", "kube-public", "kube-node-lease")
        ),
        Thing("ServiceAccount", EVERYWHERE, "default"),
        Thing("ConfigMap", EVERYWHERE, "kube-root-ca.crt"),
    }
)
"""What every cluster has."""


def made(manifest: Manifest, default: str) -> Iterator[Thing]:
    """All things that are there once an object is; `default` is the namespace of its Application."""
    kind, name, namespace = kind_of(manifest), name_of(manifest), namespace_of(manifest, default)
    yield Thing(kind, namespace, name)
    yield Thing(kind, "", name)  # whether its kind has namespaces, only its definition says
    match kind:
        case "CustomResourceDefinition":
            yield crd(at(manifest, "spec.names.kind"), at(manifest, "spec.group"))
        case "Certificate.cert-manager.io":
            yield Thing("Secret", namespace, str(at(manifest, "spec.secretName")))
        case "ExternalSecret.external-secrets.io":
            yield Thing("Secret", namespace, str(at(manifest, "spec.target.name") or name))
        case "Cluster.postgresql.cnpg.io":
            yield from (Thing("Secret", namespace, f"{name}-{what}") for what in OF_A_DATABASE)
        case "Bundle.trust.cert-manager.io":
            yield Thing("ConfigMap", EVERYWHERE, name)


def crd(kind: str, group: str) -> Thing:
    """The definition of a kind."""
    return Thing(CRD, "", f"{kind}.{group}")
