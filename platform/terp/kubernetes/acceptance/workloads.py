"""What the checks put into a cluster: manifests, and nothing that a restricted namespace refuses.

The one program that every cluster has on its nodes, also without a registry, is CoreDNS. It serves here what
is asked for, and asks others for what it is asked: over Services, between pods, by names.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

Manifest = dict[str, Any]
PORT = 5353
"""No privilege is needed to listen there."""
USER = 65532
"""Anybody but root; the user of CoreDNS's own image."""
DIRECT, THROUGH_SERVICE = "direct.test", "service.test"
"""Names under these are asked of the server: at its pod's address, and at its Service's."""
ANSWER = IPv4Address("10.20.30.40")
"""What the server says to every question for an address."""
PART = "terp.test/part"


def namespace(name: str) -> Manifest:
    """A namespace that takes restricted pods alone."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "app.kubernetes.io/managed-by": "terp-test"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def server_corefile() -> str:
    """Answers every question for an address with `ANSWER`."""
    return (
        f'.:{PORT} {{\n  errors\n  template IN A {{\n    answer "{{{{ .Name }}}} 5 IN A {ANSWER}"\n  }}\n}}\n'
    )


def client_corefile(pod: str, service: str, cluster_dns: str) -> str:
    """Asks others, over UDP: the server at both its addresses, and the cluster's DNS for all other names.

    A flow is not used again after a second: a policy need not cut off those that it finds.
    """
    zones = {DIRECT: f"{pod}:{PORT}", THROUGH_SERVICE: f"{service}:{PORT}", ".": cluster_dns}
    way = "    prefer_udp\n    expire 1s\n    max_fails 0\n"
    return "".join(
        f"{zone}:{PORT} {{\n  errors\n  forward . {to} {{\n{way}  }}\n}}\n" for zone, to in zones.items()
    )


def config_map(name: str, corefile: str) -> Manifest:
    """A configuration of CoreDNS."""
    return {"metadata": {"name": name}, "data": {"Corefile": corefile}}


def pod(name: str, image: str, having: Sequence[str], claim: str = "") -> Manifest:
    """CoreDNS with the configuration of its name.

    It goes to a node of `having`, those that have the image, if that can be, and away from other pods of the
    checks. The volume of `claim` is mounted in it.
    """
    volumes: list[Manifest] = [{"name": "configuration", "configMap": {"name": name}}]
    mounts = [{"name": "configuration", "mountPath": "/configuration"}]
    if claim:
        volumes.append({"name": "data", "persistentVolumeClaim": {"claimName": claim}})
        mounts.append({"name": "data", "mountPath": "/data"})
    return {
        "metadata": {"name": name, "labels": {PART: name}},
        "spec": {
            "affinity": _affinity(having),
            "automountServiceAccountToken": False,
            "containers": [
                {
                    "name": "coredns",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "args": ["-conf", "/configuration/Corefile"],
                    "volumeMounts": mounts,
                    "resources": {
                        "requests": {"cpu": "10m", "memory": "32Mi"},
                        "limits": {"memory": "128Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        # its own image cannot be started without the one that the program asks for
                        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
                    },
                }
            ],
            "restartPolicy": "Always",
            "securityContext": {
                "fsGroup": USER,
                "runAsNonRoot": True,
                "runAsUser": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "terminationGracePeriodSeconds": 1,
            "volumes": volumes,
        },
    }


def service(name: str) -> Manifest:
    """A Service before the pod of its name."""
    port = {"name": "dns", "protocol": "UDP", "port": PORT}
    return {"metadata": {"name": name}, "spec": {"selector": {PART: name}, "ports": [port]}}


def claim(name: str, storage_class: str) -> Manifest:
    """A claim of the smallest volume that everybody makes."""
    return {
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def network_policy(name: str, allowed: Sequence[str]) -> Manifest:
    """Lets no pod call the one of that name but the `allowed`."""
    rules = [{"from": [{"podSelector": {"matchLabels": {PART: each}}}]} for each in allowed]
    return {
        "metadata": {"name": name},
        "spec": {
            "podSelector": {"matchLabels": {PART: name}},
            "policyTypes": ["Ingress"],
            "ingress": rules,
        },
    }


def _affinity(having: Sequence[str]) -> Mapping[str, Any]:
    others = {"labelSelector": {"matchExpressions": [{"key": PART, "operator": "Exists"}]}}
    apart = {"weight": 50, "podAffinityTerm": {**others, "topologyKey": "kubernetes.io/hostname"}}
    affinity: Manifest = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [apart]}}
    if having:
        expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [*having]}
        there = {"weight": 100, "preference": {"matchExpressions": [expression]}}
        affinity["nodeAffinity"] = {"preferredDuringSchedulingIgnoredDuringExecution": [there]}
    return affinity
