"""What an object refers to.

A reference is patient when the object waits for it without harm: kubelets wait for Secrets, ConfigMaps and
claims, controllers look again. A kind without definition, a namespace that is not there or a webhook that
nobody answers is an error at once.
"""

from collections.abc import Iterator
from typing import Any

from terp.gitops.references.made import crd
from terp.gitops.references.things import (
    BUILT_IN,
    Manifest,
    Reference,
    Thing,
    at,
    each,
    kind_of,
    namespace_of,
    pod_of,
)

CERT_MANAGER = "cert-manager.io"
ISTIO, GATEWAY_API = "networking.istio.io", "gateway.networking.k8s.io"
STORES = "external-secrets.io"


def wanted(manifest: Manifest, default: str) -> Iterator[Reference]:
    """All that an object refers to; `default` is the namespace of its Application."""
    namespace = namespace_of(manifest, default)
    yield from _definition(manifest)
    yield from _namespace(manifest)
    yield from _pod(pod_of(manifest), namespace)
    yield from _annotations(manifest, namespace)
    yield from _services(manifest, namespace)
    yield from _storage(manifest)
    yield from _by_kind(manifest, namespace)


def _definition(manifest: Manifest) -> Iterator[Reference]:
    group = manifest.get("apiVersion", "").rpartition("/")[0]
    if group not in BUILT_IN:
        yield Reference("kind", crd(manifest.get("kind", ""), group), patient=False)


def _namespace(manifest: Manifest) -> Iterator[Reference]:
    if name := at(manifest, "metadata.namespace"):
        yield Reference("metadata.namespace", Thing("Namespace", "", name), patient=False)


def _pod(pod: Any, namespace: str) -> Iterator[Reference]:  # noqa: ANN401 - a pod's specification, or none
    for where, kind, name in (*_volumes(pod), *_environment(pod), *_of_the_pod(pod)):
        if name:
            yield Reference(where, Thing(kind, namespace, name), patient=True)


Found = Iterator[tuple[str, str, str | None]]
"""Where, and kind and name of what."""


def _of_the_pod(pod: Any) -> Found:  # noqa: ANN401
    yield "serviceAccountName", "ServiceAccount", at(pod, "serviceAccountName")
    for secret in each(pod, "imagePullSecrets"):
        yield "imagePullSecrets", "Secret", at(secret, "name")


def _volumes(pod: Any) -> Found:  # noqa: ANN401
    for volume in each(pod, "volumes"):
        where = f"volume {at(volume, 'name')}"
        yield where, "PersistentVolumeClaim", at(volume, "persistentVolumeClaim.claimName")
        yield where, "Secret", _required(at(volume, "secret"), "secretName")
        yield where, "ConfigMap", _required(at(volume, "configMap"), "name")
        for source in each(volume, "projected.sources"):
            yield where, "Secret", _required(at(source, "secret"), "name")
            yield where, "ConfigMap", _required(at(source, "configMap"), "name")


def _environment(pod: Any) -> Found:  # noqa: ANN401
    for container in (*each(pod, "initContainers"), *each(pod, "containers")):
        for source in each(container, "envFrom"):
            yield "envFrom", "Secret", _required(at(source, "secretRef"), "name")
            yield "envFrom", "ConfigMap", _required(at(source, "configMapRef"), "name")
        for variable in each(container, "env"):
            where = f"env {at(variable, 'name')}"
            yield where, "Secret", _required(at(variable, "valueFrom.secretKeyRef"), "name")
            yield where, "ConfigMap", _required(at(variable, "valueFrom.configMapKeyRef"), "name")


def _required(source: Any, key: str) -> str | None:  # noqa: ANN401
    found: str | None = None if at(source, "optional") else at(source, key)
    return found


def _annotations(manifest: Manifest, namespace: str) -> Iterator[Reference]:
    notes = at(manifest, "metadata.annotations") or {}
    if issuer := notes.get(f"{CERT_MANAGER}/cluster-issuer"):
        yield Reference("annotation", Thing(f"ClusterIssuer.{CERT_MANAGER}", "", issuer), patient=True)
    if issuer := notes.get(f"{CERT_MANAGER}/issuer"):
        yield Reference("annotation", Thing(f"Issuer.{CERT_MANAGER}", namespace, issuer), patient=True)
    if certificate := notes.get(f"{CERT_MANAGER}/inject-ca-from"):
        of, _, name = certificate.partition("/")
        yield Reference("annotation", Thing(f"Certificate.{CERT_MANAGER}", of, name), patient=True)


def _services(manifest: Manifest, namespace: str) -> Iterator[Reference]:
    """Whom the API server calls: webhooks, conversions, APIs of others."""
    services = (
        *(("webhooks", at(hook, "clientConfig.service")) for hook in each(manifest, "webhooks")),
        ("conversion", at(manifest, "spec.conversion.webhook.clientConfig.service")),
        ("service", at(manifest, "spec.service") if manifest.get("kind") == "APIService" else None),
    )
    for where, service in services:
        if service:
            of = at(service, "namespace") or namespace
            yield Reference(where, Thing("Service", of, at(service, "name")), patient=False)


def _storage(manifest: Manifest) -> Iterator[Reference]:
    claims = [manifest] if kind_of(manifest) == "PersistentVolumeClaim" else []
    for claim in (*claims, *each(manifest, "spec.volumeClaimTemplates")):
        if name := at(claim, "spec.storageClassName"):
            yield Reference("storageClassName", Thing("StorageClass", "", name), patient=True)


def _by_kind(manifest: Manifest, namespace: str) -> Iterator[Reference]:
    match kind_of(manifest):
        case "Certificate.cert-manager.io":
            yield _chosen("issuerRef", at(manifest, "spec.issuerRef"), "Issuer", CERT_MANAGER, namespace)
        case "ExternalSecret.external-secrets.io" if store := at(manifest, "spec.secretStoreRef"):
            yield _chosen("secretStoreRef", store, "SecretStore", STORES, namespace)
        case "VirtualService.networking.istio.io":
            for gateway in each(manifest, "spec.gateways"):
                if gateway != "mesh":
                    of, _, name = gateway.rpartition("/")
                    yield Reference(
                        "gateways", Thing(f"Gateway.{ISTIO}", of or namespace, name), patient=True
                    )
        case "HTTPRoute.gateway.networking.k8s.io" | "GRPCRoute.gateway.networking.k8s.io":
            for parent in each(manifest, "spec.parentRefs"):
                if at(parent, "kind") in {None, "Gateway"}:
                    of = at(parent, "namespace") or namespace
                    yield Reference(
                        "parentRefs", Thing(f"Gateway.{GATEWAY_API}", of, at(parent, "name")), patient=True
                    )
        case "Cluster.postgresql.cnpg.io":
            for source in each(manifest, "spec.projectedVolumeTemplate.sources"):
                if name := at(source, "configMap.name"):
                    yield Reference("projected volume", Thing("ConfigMap", namespace, name), patient=True)
            for plugin in each(manifest, "spec.plugins"):
                if store := at(plugin, "parameters.barmanObjectName"):
                    yield Reference(
                        "plugins", Thing("ObjectStore.barmancloud.cnpg.io", namespace, store), patient=True
                    )
        case "ObjectStore.barmancloud.cnpg.io":
            for key in ("accessKeyId", "secretAccessKey"):
                if secret := at(manifest, f"spec.configuration.s3Credentials.{key}.name"):
                    yield Reference("s3Credentials", Thing("Secret", namespace, secret), patient=True)
        case "ServiceAccount":
            for secret in each(manifest, "imagePullSecrets"):
                yield Reference(
                    "imagePullSecrets", Thing("Secret", namespace, at(secret, "name")), patient=True
                )


def _chosen(where: str, chosen: Any, usual: str, group: str, namespace: str) -> Reference:  # noqa: ANN401
    """A reference that says its kind, of which one is for the whole cluster."""
    kind = at(chosen, "kind") or usual
    of = "" if kind.startswith("Cluster") else namespace
    return Reference(
        where, Thing(f"{kind}.{at(chosen, 'group') or group}", of, str(at(chosen, "name"))), patient=True
    )
