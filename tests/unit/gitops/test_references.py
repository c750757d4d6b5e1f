"""Every kind of reference: satisfied in time, too late, and by nothing."""

from collections.abc import Iterable
from typing import Any

import pytest
import yaml
from tests.unit.gitops.selections import component

from terp.gitops.graph import graph
from terp.gitops.references import missing
from terp.gitops.references.things import Thing

Manifests = Iterable[dict[str, Any]]


def objects(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def check(
    user: str, maker: str = "", *, needs: bool, there: Iterable[Thing] = (), **of_the_maker: Any
) -> list[str]:
    """What is missing to the objects of `user`, while `maker` makes others, before it or in the same wave."""
    components = {"maker": component(**of_the_maker), "user": component()}
    manifests = {"maker": objects(maker) if maker else [], "user": objects(user)}
    order = graph({"maker": (), "user": ("maker",) if needs else ()})
    return [str(each) for each in missing(manifests, components, order, there)]


POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  template:
    spec: { containers: [{ name: web, %s }] }
"""
VOLUME = """\
apiVersion: batch/v1
kind: CronJob
metadata: { name: nightly }
spec:
  jobTemplate: { spec: { template: { spec: { volumes: [{ name: data, %s }] } } } }
"""
PULL = """\
apiVersion: v1
kind: Pod
metadata: { name: web }
spec: { imagePullSecrets: [{ name: thing }] }
"""
ACCOUNT = """\
apiVersion: v1
kind: Pod
metadata: { name: web }
spec: { serviceAccountName: thing }
"""
CERTIFICATE = """\
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: web }
spec: { secretName: web-tls, issuerRef: { name: thing%s } }
"""
ANNOTATED = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, annotations: { %s } }
"""
EXTERNAL = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: web }
spec: { secretStoreRef: { name: thing%s } }
"""
VIRTUAL = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web }
spec: { gateways: [mesh, %sthing] }
"""
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web }
spec: { parentRefs: [{ name: thing }] }
"""
DATABASE = """\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: { name: web }
spec: { plugins: [{ name: a, parameters: { barmanObjectName: thing } }] }
"""
DATABASE_WITH_FILES = """\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: { name: web }
spec: { projectedVolumeTemplate: { sources: [{ configMap: { name: thing } }] } }
"""
OBJECT_STORE = """\
apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: { name: web }
spec: { configuration: { s3Credentials: { accessKeyId: { name: thing, key: a } } } }
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: web }
spec: { storageClassName: thing }
"""
SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: web }
spec: { volumeClaimTemplates: [{ spec: { storageClassName: thing } }] }
"""
HOOK = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: web%s }
webhooks: [{ clientConfig: { service: { namespace: app, name: thing } } }]
"""
CONVERSION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: webs.example.org }
spec:
  group: example.org
  names: { kind: Web }
  conversion: { webhook: { clientConfig: { service: { namespace: app, name: thing } } } }
"""
API = """\
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: { name: v1.example.org }
spec: { service: { namespace: app, name: thing } }
"""
ELSEWHERE = "apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: thing }\n"
CUSTOM = "apiVersion: example.org/v1\nkind: Web\nmetadata: { name: web }\n"
MONITOR = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: { name: web }\n"


def one(kind: str, version: str = "v1", name: str = "thing") -> str:
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{ name: {name} }}\n"


def definition(kind: str, group: str) -> str:
    names = f"spec: {{ group: {group}, names: {{ kind: {kind} }} }}\n"
    return one("CustomResourceDefinition", "apiextensions.k8s.io/v1", f"{kind.lower()}s.{group}") + names


ISSUER = one("Issuer", "cert-manager.io/v1")
CLUSTER_ISSUER = one("ClusterIssuer", "cert-manager.io/v1")
STORE = one("SecretStore", "external-secrets.io/v1")
CLUSTER_STORE = one("ClusterSecretStore", "external-secrets.io/v1")
GATEWAY = one("Gateway", "networking.istio.io/v1")
SECRET, CONFIG, SERVICE = one("Secret"), one("ConfigMap"), one("Service")
CLASS = one("StorageClass", "storage.k8s.io/v1")
KINDS = [
    {"name": f"{kind.lower()}s.{group}", "kind": kind, "versions": ["v1"]}
    for kind, group in (
        ("Certificate", "cert-manager.io"),
        ("Issuer", "cert-manager.io"),
        ("ClusterIssuer", "cert-manager.io"),
        ("ExternalSecret", "external-secrets.io"),
        ("SecretStore", "external-secrets.io"),
        ("ClusterSecretStore", "external-secrets.io"),
        ("VirtualService", "networking.istio.io"),
        ("Gateway", "networking.istio.io"),
        ("Gateway", "gateway.networking.k8s.io"),
        ("HTTPRoute", "gateway.networking.k8s.io"),
        ("Cluster", "postgresql.cnpg.io"),
        ("ObjectStore", "barmancloud.cnpg.io"),
    )
]
ISSUED = one("Certificate", "cert-manager.io/v1") + "spec: { issuerRef: { name: own } }\n---\n"
ISSUED += one("Issuer", "cert-manager.io/v1", "own")
MADE = {
    "Secret": SECRET,
    "ExternalSecret": one("ExternalSecret", "external-secrets.io/v1"),
    "ExternalSecret with a target": one("ExternalSecret", "external-secrets.io/v1", "other")
    + "spec: { target: { name: thing } }\n",
    "Certificate": one("Certificate", "cert-manager.io/v1", "other") + "spec: { secretName: thing }\n",
}
PATIENT = [
    ("env", POD % "env: [{ name: A, valueFrom: { secretKeyRef: { name: thing, key: a } } }]", SECRET),
    (
        "env of a ConfigMap",
        POD % "env: [{ valueFrom: { configMapKeyRef: { name: thing } } }]",
        CONFIG,
    ),
    ("envFrom", POD % "envFrom: [{ secretRef: { name: thing } }]", SECRET),
    ("envFrom a ConfigMap", POD % "envFrom: [{ configMapRef: { name: thing } }]", CONFIG),
    ("volume", VOLUME % "secret: { secretName: thing }", SECRET),
    ("volume of a ConfigMap", VOLUME % "configMap: { name: thing }", CONFIG),
    ("projected volume", VOLUME % "projected: { sources: [{ secret: { name: thing } }] }", SECRET),
    ("projected ConfigMap", VOLUME % "projected: { sources: [{ configMap: { name: thing } }] }", CONFIG),
    ("claim", VOLUME % "persistentVolumeClaim: { claimName: thing }", one("PersistentVolumeClaim")),
    ("image pull secret", PULL, SECRET),
    (
        "pull secret of an account",
        one("ServiceAccount", name="a") + "imagePullSecrets: [{ name: thing }]\n",
        SECRET,
    ),
    ("service account", ACCOUNT, one("ServiceAccount")),
    ("issuer", CERTIFICATE % "", ISSUER),
    ("cluster issuer", CERTIFICATE % ", kind: ClusterIssuer", CLUSTER_ISSUER),
    ("issuer by annotation", ANNOTATED % "cert-manager.io/issuer: thing", ISSUER),
    ("cluster issuer by annotation", ANNOTATED % "cert-manager.io/cluster-issuer: thing", CLUSTER_ISSUER),
    (
        "authority by annotation",
        ANNOTATED % "cert-manager.io/inject-ca-from: app/thing",
        ISSUED,
    ),
    ("secret store", EXTERNAL % "", STORE),
    ("cluster secret store", EXTERNAL % ", kind: ClusterSecretStore", CLUSTER_STORE),
    ("gateway", VIRTUAL % "", GATEWAY),
    ("gateway by namespace", VIRTUAL % "app/", GATEWAY),
    ("gateway of the Gateway API", ROUTE, one("Gateway", "gateway.networking.k8s.io/v1")),
    ("backups of a database", DATABASE, one("ObjectStore", "barmancloud.cnpg.io/v1")),
    ("files of a database", DATABASE_WITH_FILES, CONFIG),
    ("keys of backups", OBJECT_STORE, SECRET),
    ("storage class", CLAIM, CLASS),
    ("storage class of a set", SET, CLASS),
]
AT_ONCE = [
    ("custom resource", CUSTOM, definition("Web", "example.org")),
    ("monitor", MONITOR, definition("ServiceMonitor", "monitoring.coreos.com")),
    ("webhook", HOOK % "", SERVICE),
    ("conversion", CONVERSION, SERVICE),
    ("API of others", API, SERVICE),
    ("namespace", ELSEWHERE, one("Namespace")),
]
IDS = [each[0] for each in (*PATIENT, *AT_ONCE)]


@pytest.mark.parametrize(("_what", "user", "maker"), [*PATIENT, *AT_ONCE], ids=IDS)
def test_what_an_earlier_wave_makes_is_there(_what: str, user: str, maker: str):
    assert check(user, maker, needs=True, crds=KINDS) == []


@pytest.mark.parametrize(("_what", "user", "maker"), PATIENT, ids=[each[0] for each in PATIENT])
def test_what_is_waited_for_may_come_in_the_same_wave(_what: str, user: str, maker: str):
    said = check(user, maker, needs=False, crds=KINDS)
    assert [each for each in said if ": kind:" not in each] == []


@pytest.mark.parametrize(("_what", "user", "maker"), AT_ONCE, ids=[each[0] for each in AT_ONCE])
def test_what_must_be_there_at_once_may_not_and_the_need_that_mends_it_is_told(
    _what: str, user: str, maker: str
):
    (said,) = check(user, maker, needs=False)
    assert said.startswith("user (wave 0): ")
    assert ", which maker makes later\n  user: needs: [maker]" in said


@pytest.mark.parametrize(("_what", "user", "_maker"), [*PATIENT, *AT_ONCE], ids=IDS)
def test_what_nothing_makes_is_missing(_what: str, user: str, _maker: str):
    kinds = [] if _what in {"custom resource", "monitor"} else KINDS
    (said,) = check(user, needs=True, crds=kinds)
    assert ", which nothing makes\n" in said


@pytest.mark.parametrize("maker", MADE.values(), ids=MADE)
def test_whatever_makes_a_secret_satisfies_who_reads_it(maker: str):
    user = POD % "envFrom: [{ secretRef: { name: thing } }]"
    assert [each for each in check(user, maker, needs=True, crds=KINDS) if "envFrom" in each] == []


def test_a_secret_that_is_declared_comes_from_vault():
    secret = {"name": "thing", "description": "It.", "keys": [{"name": "a"}]}
    assert check(POD % "envFrom: [{ secretRef: { name: thing } }]", needs=True, secrets=[secret]) == []


def test_a_secret_that_nobody_declares_should_be():
    (said,) = check(POD % "envFrom: [{ secretRef: { name: thing } }]", needs=True)
    assert said == (
        "user (wave 1): Deployment web: envFrom: Secret app/thing, which nothing makes\n"
        "  user: declare it under secrets, or make it by a Certificate or an ExternalSecret"
    )


@pytest.mark.parametrize("secret", ["db-app", "db-ca", "db-server", "db-replication"])
def test_databases_come_with_their_secrets(secret: str):
    cluster = one("Cluster", "postgresql.cnpg.io/v1", "db")
    user = POD % f"envFrom: [{{ secretRef: {{ name: {secret} }} }}]"
    kinds = [{"name": "clusters.postgresql.cnpg.io", "kind": "Cluster", "versions": ["v1"]}]
    assert check(user, cluster, needs=True, crds=kinds) == []


def test_controllers_make_things_in_every_namespace():
    user = VOLUME % "configMap: { name: istio-ca-root-cert }"
    assert check(user, needs=True, namespace="other", makes=["ConfigMap/istio-ca-root-cert"]) == []


def test_a_bundle_is_in_every_namespace():
    bundle = one("Bundle", "trust.cert-manager.io/v1alpha1")
    kinds = [{"name": "bundles.trust.cert-manager.io", "kind": "Bundle", "versions": ["v1alpha1"]}]
    assert (
        check(VOLUME % "configMap: { name: thing }", bundle, needs=True, namespace="other", crds=kinds) == []
    )


@pytest.mark.parametrize(
    "optional",
    ["envFrom: [{ secretRef: { name: thing, optional: true } }]", "env: [{ name: A, value: thing }]"],
)
def test_what_is_optional_is_not_wanted(optional: str):
    assert check(POD % optional, needs=True) == []


def test_another_namespace_is_another_thing():
    (said,) = check(POD % "envFrom: [{ secretRef: { name: thing } }]", SECRET, needs=True, namespace="other")
    assert "Secret app/thing, which nothing makes" in said


def test_what_the_cluster_has_is_there():
    assert check(CLAIM, needs=False, there=[Thing("StorageClass", "", "thing")]) == []
    assert check(ELSEWHERE.replace("thing", "kube-system"), needs=False) == []
    assert check(VOLUME % "configMap: { name: kube-root-ca.crt }", needs=False) == []
    assert check(ACCOUNT.replace("thing", "default"), needs=False) == []


def test_a_component_may_bring_what_it_uses():
    both = "---\n".join(
        [CUSTOM, definition("Web", "example.org"), POD % "envFrom: [{ secretRef: { name: thing } }]", SECRET]
    )
    assert check(both, needs=False) == []


def test_a_capability_is_needed_by_its_name():
    (said,) = check(HOOK % "", SERVICE, needs=False, provides={"s3": "http://thing"})
    assert said.endswith("user: needs: [s3]")


def test_what_the_maker_waits_for_cannot_wait_for_it():
    components = {"first": component(), "then": component()}
    manifests = {"first": objects(HOOK % ""), "then": objects(SERVICE)}
    (said,) = missing(manifests, components, graph({"first": (), "then": ("first",)}))
    assert said.mend == "then needs first already: one of them has to be divided"
    assert said.makers == ("then",)


def test_many_references_to_one_thing_are_told_in_the_order_of_waves():
    user = "---\n".join([POD % "envFrom: [{ secretRef: { name: b } }, { secretRef: { name: b } }]", CUSTOM])
    assert len(check(user, needs=True)) == 2
